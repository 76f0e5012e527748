// Argo CD's controller and repository server with kustomize, and a git server for tests, as one program.
//
// They share most of their code. Which one runs is decided by the name that the program is called by, as in Argo CD's
// own image. Parts that no test needs are left out: API server, user interface, ApplicationSets, notifications.
package main

import (
	"fmt"
	"net/http"
	"net/http/cgi"
	"os"
	"path/filepath"

	appcontroller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	reposerver "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
	"github.com/argoproj/argo-cd/v3/util/log"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
	kustomize "sigs.k8s.io/kustomize/kustomize/v5/commands"
)

func main() {
	// As Argo CD's own main.go does. It also switches SRV lookups off, which nothing switches on in these parts.
	klog.SetLogger(log.NewLogrusLogger(log.NewWithCurrentConfig()))
	var command *cobra.Command
	switch name := filepath.Base(os.Args[0]); name {
	case "argocd-application-controller":
		command = appcontroller.NewCommand()
	case "argocd-repo-server":
		command = reposerver.NewCommand()
	case "kustomize":
		command = kustomize.NewDefaultCommand()
	case "git-server":
		command = gitServer()
	default:
		fmt.Fprintf(os.Stderr, "%s: call this program by the name of a part of Argo CD, as kustomize or git-server\n", name)
		os.Exit(2)
	}
	if command.Execute() != nil {
		os.Exit(1)
	}
}

// gitServer serves the repositories in a folder over HTTP, for reading only.
func gitServer() *cobra.Command {
	command := &cobra.Command{Use: "git-server", SilenceUsage: true, Args: cobra.NoArgs}
	address := command.Flags().String("address", ":8080", "address to listen on")
	root := command.Flags().String("root", "/repositories", "folder with the bare repositories")
	backend := command.Flags().String("backend", "/usr/lib/git-core/git-http-backend", "path of git's CGI program")
	command.RunE = func(*cobra.Command, []string) error {
		return http.ListenAndServe(*address, &cgi.Handler{
			Path: *backend,
			Env:  []string{"GIT_PROJECT_ROOT=" + *root, "GIT_HTTP_EXPORT_ALL=1"},
		})
	}
	return command
}

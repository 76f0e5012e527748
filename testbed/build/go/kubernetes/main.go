// One Kubernetes program under six names.
//
// The control plane, the node agent and kubeadm share nearly all of their code: linked into one
// binary they take a third of the space and of the build time of six. Which one runs is decided by
// the name the program was called by, as busybox does it.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	_ "time/tzdata" // CronJob time zones in the API server and the controller manager

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"          // the JSON log format
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // client metrics
	_ "k8s.io/component-base/metrics/prometheus/version"  // version metric
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubeadm "k8s.io/kubernetes/cmd/kubeadm/app"
	kubeadmerrors "k8s.io/kubernetes/cmd/kubeadm/app/util/errors"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
	name := filepath.Base(os.Args[0])
	var command *cobra.Command
	switch name {
	case "kube-apiserver":
		command = apiserver.NewAPIServerCommand()
	case "kube-controller-manager":
		command = controllermanager.NewControllerManagerCommand()
	case "kube-scheduler":
		command = scheduler.NewSchedulerCommand()
	case "kube-proxy":
		command = proxy.NewProxyCommand()
	case "kubelet":
		// A plain context: the command installs the signal handler itself, and a second one panics.
		command = kubelet.NewKubeletCommand(context.Background())
	case "kubeadm":
		// kubeadm prints errors and picks exit codes its own way.
		kubeadmerrors.HandleError(kubeadm.Run())
		return
	default:
		fmt.Fprintf(os.Stderr, "%s: call this program by the name of a Kubernetes component, such as kubelet or kubeadm\n", name)
		os.Exit(2)
	}
	os.Exit(cli.Run(command))
}

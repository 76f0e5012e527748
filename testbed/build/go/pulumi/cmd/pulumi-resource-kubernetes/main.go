// The Kubernetes provider plugin of the Pulumi engine, as its own main package starts it.
//
// The build lays schema.json and terraform-mapping.json here, which lie beside upstream's: that one embeds files which
// only upstream's build makes.
package main

import (
	_ "embed"
	"fmt"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

//go:embed schema.json
var schema []byte

//go:embed terraform-mapping.json
var terraformMapping []byte

func main() {
	// The file has no version: upstream's build adds that of the release.
	versioned := append(fmt.Appendf(nil, `{"version": %q,`, version.Version), schema[1:]...)
	provider.Serve("kubernetes", version.Version, versioned, terraformMapping)
}

// How the provider registers objects of YAML files and Helm charts, in place of the file of this name in its module.
//
// That one has a case for each of Kubernetes' kinds, which differ in the Go type of the resource. The provider looks at
// no more than that it is a resource, and those types are sixty packages: two thirds of the provider's compilation, and
// nearly half of its size.
package v2

import (
	"strings"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apiextensions"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// RegisterResource registers an object under the type that its kind has in every language.
func RegisterResource(
	ctx *pulumi.Context, apiVersion, kind, name string, props pulumi.Input, opts ...pulumi.ResourceOption,
) (pulumi.CustomResource, error) {
	if !strings.Contains(apiVersion, "/") {
		apiVersion = "core/" + apiVersion
	}
	var resource apiextensions.CustomResource
	if err := ctx.RegisterResource("kubernetes:"+apiVersion+":"+kind, name, props, &resource, opts...); err != nil {
		return nil, err
	}
	return &resource, nil
}

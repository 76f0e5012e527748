// Command typetable prints, as JSON, what the stand-in needs to know about the Go types of the
// built-in Kubernetes kinds: the name, type and `omitempty` of every field.
//
// The real provider converts each input to its Go type and back; which keys survive that, and in
// which form, depends on facts that only the Go types have (whether a field is a pointer, whether
// zero is omitted). Neither the OpenAPI document nor the Python client carries them.
//
// Regenerate ../types.json after a change of k8s.io/client-go in go.mod:
//
//	GOFLAGS=-mod=mod go run . > ../types.json
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
)

// scalars are the types that write themselves as JSON; their fields are never looked at.
var scalars = map[reflect.Type]string{
	reflect.TypeOf(resource.Quantity{}):    "quantity",
	reflect.TypeOf(intstr.IntOrString{}):   "intstr",
	reflect.TypeOf(metav1.Time{}):          "time",
	reflect.TypeOf(metav1.MicroTime{}):     "microtime",
	reflect.TypeOf(metav1.Duration{}):      "any",
	reflect.TypeOf(metav1.FieldsV1{}):      "any",
	reflect.TypeOf(runtime.RawExtension{}): "any",
}

// stable matches the versions a program should use; the others are passed on as they are.
var stable = regexp.MustCompile(`^v[0-9]+$`)

type table struct {
	Kinds map[string]string            `json:"kinds"`
	Types map[string]map[string]string `json:"types"`
}

func typeName(t reflect.Type) string {
	path := strings.Split(t.PkgPath(), "/")
	return strings.Join(path[max(0, len(path)-2):], ".") + "." + t.Name()
}

func (t *table) spell(goType reflect.Type) string {
	if name, ok := scalars[goType]; ok {
		return name
	}
	switch goType.Kind() {
	case reflect.Pointer:
		return "*" + t.spell(goType.Elem())
	case reflect.Slice:
		if goType.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "[]" + t.spell(goType.Elem())
	case reflect.Map:
		return "{}" + t.spell(goType.Elem())
	case reflect.Struct:
		return t.add(goType)
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Float32, reflect.Float64:
		return "float"
	case reflect.Interface:
		return "any"
	default:
		return "int"
	}
}

func (t *table) add(goType reflect.Type) string {
	name := typeName(goType)
	if _, seen := t.Types[name]; seen {
		return name
	}
	fields := map[string]string{}
	t.Types[name] = fields
	t.addFields(goType, fields)
	return name
}

func (t *table) addFields(goType reflect.Type, fields map[string]string) {
	for i := range goType.NumField() {
		field := goType.Field(i)
		tag := strings.Split(field.Tag.Get("json"), ",")
		if tag[0] == "-" {
			continue
		}
		if tag[0] == "" && field.Anonymous {
			t.addFields(field.Type, fields)
			continue
		}
		flags := ""
		for _, option := range tag[1:] {
			switch option {
			case "omitempty":
				flags += "?"
			case "omitzero":
				flags += "~"
			}
		}
		fields[tag[0]] = flags + t.spell(field.Type)
	}
}

// write keeps one type a line, so that the difference between two versions can be read.
func (t *table) write() error {
	kinds, err := json.MarshalIndent(t.Kinds, "  ", " ")
	if err != nil {
		return err
	}
	names := make([]string, 0, len(t.Types))
	for name := range t.Types {
		names = append(names, name)
	}
	sort.Strings(names)
	lines := make([]string, 0, len(names))
	for _, name := range names {
		fields, err := json.Marshal(t.Types[name])
		if err != nil {
			return err
		}
		lines = append(lines, fmt.Sprintf("  %q: %s", name, fields))
	}
	_, err = fmt.Printf("{\n \"kinds\": %s,\n \"types\": {\n%s\n }\n}\n", kinds, strings.Join(lines, ",\n"))
	return err
}

func main() {
	t := &table{Kinds: map[string]string{}, Types: map[string]map[string]string{}}
	for gvk, goType := range scheme.Scheme.AllKnownTypes() {
		_, isObject := reflect.New(goType).Interface().(metav1.Object)
		if !isObject || !stable.MatchString(gvk.Version) {
			continue
		}
		apiVersion, kind := gvk.ToAPIVersionAndKind()
		t.Kinds[apiVersion+"/"+kind] = t.add(goType)
	}
	if err := t.write(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

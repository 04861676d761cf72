// Writes the Node.js SDK of a package: generate-sdk SCHEMA.json FOLDER. The CLI does the same in `pulumi package add`,
// with a language host of a release; tools/setup/bridge.mjs builds and runs this instead.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

func main() {
	if err := generate(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func generate(schemaFile, folder string) error {
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		return err
	}
	var spec schema.PackageSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return err
	}
	options := schema.ValidationOptions{AllowDanglingReferences: true}
	pkg, err := schema.ImportSpec(spec, nil, schema.NewNullLoader(), options)
	if err != nil {
		return err
	}
	files, err := nodejs.GeneratePackage("pulumi-libvirt-clones", pkg, nil, nil, true, nil)
	if err != nil {
		return err
	}
	for name, content := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

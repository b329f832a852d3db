package main

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-kratos/kratos/v2/config"
	"github.com/go-kratos/kratos/v2/config/env"
	_ "github.com/go-kratos/kratos/v2/encoding/json"
	_ "github.com/go-kratos/kratos/v2/encoding/yaml"
)

// configMaps is a list of ConfigMaps as kubectl prints it, and the source that Kratos' contrib/config/kubernetes makes of it:
// a KeyValue for each key, with the key's extension as its format.
type configMaps struct {
	Items []struct {
		Metadata struct{ Namespace, Name string }
		Data     map[string]string
	}
}

func (source configMaps) Load() ([]*config.KeyValue, error) {
	values := []*config.KeyValue{}
	for _, item := range source.Items {
		for name, value := range item.Data {
			values = append(values, &config.KeyValue{
				Key:    item.Metadata.Namespace + "/" + item.Metadata.Name + "/" + name,
				Value:  []byte(value),
				Format: strings.TrimPrefix(filepath.Ext(name), "."),
			})
		}
	}
	return values, nil
}

// Watch never tells anything.
func (configMaps) Watch() (config.Watcher, error) { return env.NewWatcher() }

// readConfig reads ConfigMaps from stdin and prints the tree that Kratos' config makes of them.
func readConfig(args []string) error {
	if err := flag.NewFlagSet("config", flag.ContinueOnError).Parse(args); err != nil {
		return err
	}
	var source configMaps
	if err := json.NewDecoder(os.Stdin).Decode(&source); err != nil {
		return err
	}
	loaded := config.New(config.WithSource(source))
	defer loaded.Close()
	if err := loaded.Load(); err != nil {
		return printJSON(map[string]any{"error": err.Error()})
	}
	tree := map[string]any{}
	if err := loaded.Scan(&tree); err != nil {
		return err
	}
	return printJSON(map[string]any{"tree": tree})
}

package main

import (
	"flag"

	"github.com/micro/go-micro/v2/config"
	"github.com/micro/go-plugins/config/source/configmap/v2"
)

// readConfig prints the tree that go-micro's config makes of a ConfigMap, read by the configmap plugin.
func readConfig(args []string) error {
	flags := flag.NewFlagSet("config", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "the path of a kubeconfig (default the pod's service account)")
	namespace := flags.String("namespace", configmap.DefaultNamespace, "where the ConfigMap is")
	name := flags.String("configmap", configmap.DefaultName, "its name")
	if err := flags.Parse(args); err != nil {
		return err
	}
	loaded, err := config.NewConfig()
	if err != nil {
		return err
	}
	source := configmap.NewSource(configmap.WithConfigPath(*kubeconfig), configmap.WithNamespace(*namespace),
		configmap.WithName(*name))
	if err := loaded.Load(source); err != nil {
		return printJSON(map[string]interface{}{"error": err.Error()})
	}
	return printJSON(map[string]interface{}{"tree": loaded.Map()})
}

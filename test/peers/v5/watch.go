package main

import (
	"flag"

	"go-micro.dev/v5/registry"
)

// watch writes what go-micro's own watcher tells of a service, a line of JSON for each event, until it is killed.
func watch(args []string) error {
	flags := flag.NewFlagSet("watch", flag.ContinueOnError)
	registryName := flags.String("registry", "mdns", "memory or mdns")
	service := flags.String("service", "greeter", "the service's name")
	if err := flags.Parse(args); err != nil {
		return err
	}
	reg, err := newRegistry(*registryName)
	if err != nil {
		return err
	}
	watcher, err := reg.Watch(registry.WatchService(*service))
	if err != nil {
		return err
	}
	for {
		result, err := watcher.Next()
		if err != nil {
			return err
		}
		for _, node := range result.Service.Nodes {
			if err := printJSON(map[string]any{
				"action": result.Action, "id": node.Id, "address": node.Address,
				"version": result.Service.Version, "endpoints": result.Service.Endpoints,
			}); err != nil {
				return err
			}
		}
	}
}

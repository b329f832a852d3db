package main

import (
	"context"
	"flag"
	"time"

	"github.com/micro/go-micro/v2"
	"github.com/micro/go-micro/v2/client"
	"github.com/micro/go-micro/v2/registry"
	"github.com/micro/go-plugins/registry/kubernetes/v2"
)

// deaf is how long the plugin throws away what a new watch brings, with some room.
const deaf = 1200 * time.Millisecond

// services prints the names of all services.
func services(args []string) error {
	if err := flag.NewFlagSet("services", flag.ContinueOnError).Parse(args); err != nil {
		return err
	}
	all, err := kubernetes.NewRegistry().ListServices()
	if err != nil {
		return printJSON(map[string]interface{}{"error": err.Error()})
	}
	names := []string{}
	for _, service := range all {
		names = append(names, service.Name)
	}
	return printJSON(map[string]interface{}{"services": names})
}

// get prints a service as the registry knows it, one entry per version.
func get(args []string) error {
	flags := flag.NewFlagSet("get", flag.ContinueOnError)
	service := flags.String("service", "greeter", "the service's name")
	if err := flags.Parse(args); err != nil {
		return err
	}
	versions, err := kubernetes.NewRegistry().GetService(*service)
	if err != nil {
		return printJSON(map[string]interface{}{"error": err.Error()})
	}
	return printJSON(map[string]interface{}{"versions": versions})
}

// watch prints the registry's events, first {"watching":true} once the plugin listens to them.
func watch(args []string) error {
	flags := flag.NewFlagSet("watch", flag.ContinueOnError)
	service := flags.String("service", "", "the service's name (default all, which is what go-micro's cache watches)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var options []registry.WatchOption
	if *service != "" {
		options = append(options, registry.WatchService(*service))
	}
	watcher, err := kubernetes.NewRegistry().Watch(options...)
	if err != nil {
		return err
	}
	time.AfterFunc(deaf, func() { printJSON(map[string]interface{}{"watching": true}) })
	for {
		result, err := watcher.Next()
		if err != nil {
			return err
		}
		if err := printJSON(map[string]interface{}{"action": result.Action, "service": result.Service}); err != nil {
			return err
		}
	}
}

// cacheCall calls over and over by one client, whose cache asks the registry once and then follows its watch;
// it prints {"watching":true} when it listens to that.
func cacheCall(args []string) error {
	flags := flag.NewFlagSet("cache-call", flag.ContinueOnError)
	service := flags.String("service", "greeter", "the service's name")
	name := flags.String("name", "World", "the name to greet")
	every := flags.Duration("every", 100*time.Millisecond, "how often to call")
	if err := flags.Parse(args); err != nil {
		return err
	}
	c := newService(micro.Registry(kubernetes.NewRegistry()), micro.Name("greeter.client")).Client()
	const jitter = 100 * time.Millisecond // of the cache, before it watches
	time.AfterFunc(jitter+deaf, func() { printJSON(map[string]interface{}{"watching": true}) })
	for ; ; time.Sleep(*every) {
		reply := new(HelloResponse)
		err := c.Call(context.Background(), c.NewRequest(*service, "Greeter.Hello", &HelloRequest{Name: *name}), reply,
			client.WithRequestTimeout(time.Second))
		if err := printReply(reply, err); err != nil {
			return err
		}
	}
}

// Command informer is client-go's informer of pods: it lists and watches them and says, in JSON lines, how long that took
// and what memory it holds.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run prints a line once it is in step and one for each line read from stdin, and ends with stdin. idle_rss_kb is what
// the process held before it began.
func run() error {
	kubeconfig := flag.String("kubeconfig", "", "path of a kubeconfig (default in cluster)")
	namespace := flag.String("namespace", "", "the namespace (default all)")
	selector := flag.String("selector", "", "a label selector")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	idle := rssKB()
	start := time.Now()
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(*namespace),
		informers.WithTweakListOptions(func(options *metav1.ListOptions) { options.LabelSelector = *selector }))
	pods := factory.Core().V1().Pods().Informer()
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), pods.HasSynced) {
		return ctx.Err()
	}
	synced := time.Since(start)
	report := func() {
		json.NewEncoder(os.Stdout).Encode(map[string]any{
			"synced_ms": synced.Milliseconds(), "pods": len(pods.GetStore().ListKeys()), "rss_kb": rssKB(), "idle_rss_kb": idle,
		})
	}
	report()
	go func() {
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			report()
		}
		stop()
	}()
	<-ctx.Done()
	return nil
}

var resident = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

func rssKB() int {
	status, _ := os.ReadFile("/proc/self/status")
	if found := resident.FindSubmatch(status); found != nil {
		kb, _ := strconv.Atoi(string(found[1]))
		return kb
	}
	return 0
}

package prooflog

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Webhook is a keeper that is told by POST.
type Webhook struct {
	// URL is where to; it is shown in warnings, so what is secret belongs into Token.
	URL string
	// Token is sent as a bearer token; "" sends none.
	Token string
	// Client sends; the default one, bounded by webhookPatience, where it is nil.
	Client *http.Client
}

// webhookPatience is how long a keeper may take to answer.
const webhookPatience = 10 * time.Second

// Name implements Keeper.
func (w Webhook) Name() string { return "url:" + w.URL }

// Keep implements Keeper. Any answer of 2xx says that the checkpoint is kept.
func (w Webhook) Keep(ctx context.Context, h Handed) error {
	ctx, cancel := context.WithTimeout(ctx, webhookPatience)
	defer cancel()
	body, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("write a checkpoint for %s: %w", w.URL, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask %s: %w", w.URL, err)
	}
	req.Header.Set("Content-Type", "application/json")
	if w.Token != "" {
		req.Header.Set("Authorization", "Bearer "+w.Token)
	}
	client := w.Client
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16)) // so that the connection can be used again
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("it answers %s", res.Status)
	}
	return nil
}

// Package limit serves requests.
package limit

import (
	"net/http"
	"time"
)

// Handler answers requests as long as the bucket has something left.
func Handler(next http.Handler, bucket *Bucket) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !bucket.Take(time.Now()) {
			http.Error(w, "too many requests", http.StatusTooManyRequests)
			return
		}
		next.ServeHTTP(w, r)
	})
}

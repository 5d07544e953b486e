package limit

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

var fine = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })

func TestAnswers(t *testing.T) {
	handler := Handler(fine, NewBucket(1, 1, time.Now()))
	for _, want := range []int{http.StatusOK, http.StatusTooManyRequests} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != want {
			t.Fatalf("got %d, want %d", w.Code, want)
		}
	}
}

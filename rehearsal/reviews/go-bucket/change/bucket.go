package limit

import (
	"sync"
	"time"
)

// Bucket lets so many through a second, and so many at once.
type Bucket struct {
	mu     sync.Mutex
	rate   int
	burst  int
	tokens int
	last   time.Time
}

// NewBucket makes a bucket that is full.
func NewBucket(rate, burst int, now time.Time) *Bucket {
	return &Bucket{rate: rate, burst: burst, tokens: burst, last: now}
}

// Take takes a token, if there is one.
func (b *Bucket) Take(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if passed := now.Sub(b.last); passed > 0 {
		b.tokens += int(passed.Seconds() * float64(b.rate))
		if b.tokens > b.burst {
			b.tokens = b.burst
		}
		b.last = now
	}
	if b.tokens == 0 {
		return false
	}
	b.tokens--
	return true
}

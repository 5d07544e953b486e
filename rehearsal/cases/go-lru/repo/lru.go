// Package lru is a cache that forgets what was not used for longest.
package lru

import "container/list"

type entry struct {
	key   string
	value int
}

// Cache holds so many entries at most. It is not safe for concurrent use.
type Cache struct {
	most  int
	order *list.List // the latest in front
	items map[string]*list.Element
}

// New makes a cache for so many entries.
func New(most int) *Cache {
	return &Cache{most: most, order: list.New(), items: map[string]*list.Element{}}
}

// Get is what is stored under a key, and whether there is anything. It counts as a use.
func (c *Cache) Get(key string) (int, bool) {
	found, ok := c.items[key]
	if !ok {
		return 0, false
	}
	c.order.MoveToFront(found)
	return found.Value.(entry).value, true
}

// Put stores a value. It counts as a use.
func (c *Cache) Put(key string, value int) {
	c.items[key] = c.order.PushFront(entry{key, value})
	if c.order.Len() > c.most {
		last := c.order.Back()
		c.order.Remove(last)
		delete(c.items, last.Value.(entry).key)
	}
}

// Len is how many entries there are.
func (c *Cache) Len() int { return c.order.Len() }

//! Bounded places: so many in all, and so many for whoever counts as one (an address, a link).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// What is given out, and to whom.
pub(crate) struct Places<K> {
    all_max: usize,
    each_max: usize,
    taken: Mutex<Taken<K>>,
}

struct Taken<K> {
    all: usize,
    each: HashMap<K, usize>,
}

/// One place, given back when it is dropped.
pub(crate) struct Place<K: Eq + Hash> {
    places: Arc<Places<K>>,
    key: Option<K>,
}

impl<K: Eq + Hash + Clone> Places<K> {
    pub(crate) fn new(all_max: usize, each_max: usize) -> Arc<Self> {
        let taken = Mutex::new(Taken { all: 0, each: HashMap::new() });
        Arc::new(Self { all_max, each_max, taken })
    }

    /// A place for `key`; without a key only the places in all count. `None` when there is none left.
    pub(crate) fn take(self: &Arc<Self>, key: Option<K>) -> Option<Place<K>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.all_max {
            return None;
        }
        if let Some(key) = &key {
            let count = taken.each.entry(key.clone()).or_insert(0);
            if *count >= self.each_max {
                return None;
            }
            *count += 1;
        }
        taken.all += 1;
        Some(Place { places: Arc::clone(self), key })
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        let Some(key) = self.key.take() else { return };
        if let Entry::Occupied(mut count) = taken.each.entry(key) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

impl<K: Eq + Hash> fmt::Debug for Place<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gets_its_places_and_gives_them_back() {
        let places = Places::new(3, 2);
        let first = places.take(Some("a")).unwrap();
        let second = places.take(Some("a")).unwrap();
        assert!(places.take(Some("a")).is_none(), "each has its own bound");
        let third = places.take(Some("b")).unwrap();
        assert!(places.take(Some("c")).is_none(), "and there is one for all");
        assert!(places.take(None).is_none());
        drop(first);
        let fourth = places.take(None).unwrap();
        drop((second, third, fourth));
        assert!(places.taken.lock().unwrap().each.is_empty(), "nothing piles up");
        assert_eq!(places.taken.lock().unwrap().all, 0);
    }
}

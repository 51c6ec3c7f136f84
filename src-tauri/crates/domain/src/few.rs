//! A set of few things in order, in as much memory as they take: a tree makes room for eleven at once, and there may be many
//! such sets.

use std::ops::Deref;

use crate::snapshot::{Decoder, Encoder, Save};

/// Sorted, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Few<T>(Vec<T>);

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self(vec![])
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Ord> Few<T> {
    /// False when it was there.
    pub(crate) fn insert(&mut self, value: T) -> bool {
        let Err(at) = self.0.binary_search(&value) else {
            return false;
        };
        if self.0.len() == self.0.capacity() {
            self.0.reserve_exact(self.0.len().max(1));
        }
        self.0.insert(at, value);
        true
    }

    pub(crate) fn has(&self, value: &T) -> bool {
        self.0.binary_search(value).is_ok()
    }

    pub(crate) fn is_part_of(&self, other: &Self) -> bool {
        self.0.iter().all(|value| other.has(value))
    }
}

impl<T: Ord> Extend<T> for Few<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        let before = self.0.len();
        self.0.extend(values);
        if self.0.len() > before {
            self.0.sort();
            self.0.dedup();
        }
        self.0.shrink_to_fit();
    }
}

impl<T: Ord> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut all = Self::default();
        all.extend(values);
        all
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Few<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T: Save> Save for Few<T> {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        self.0.write(to);
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        Save::read(from).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn it_is_the_set_that_a_tree_is() {
        let values = [3_u64, 1, 3, 2, 9, 1, 0, 9];
        let (mut few, mut tree) = (Few::default(), BTreeSet::new());
        for value in values {
            assert_eq!(few.insert(value), tree.insert(value));
            assert!(few.iter().eq(&tree));
            assert!(few.has(&value) && !few.has(&77));
        }
        let all: Few<u64> = values.into_iter().collect();
        assert_eq!(all, few);
        let part: Few<u64> = [1, 9].into_iter().collect();
        assert!(part.is_part_of(&all) && !all.is_part_of(&part));
        assert!(Few::default().is_part_of(&part));
    }
}

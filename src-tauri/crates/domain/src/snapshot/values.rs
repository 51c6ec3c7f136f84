//! How what every type is made of is saved: numbers, texts, times, JSON, and collections of them.
//!
//! Maps without an order are written in the order of their keys, so that one state has one text.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    hash::Hash,
    sync::Arc,
};

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, TimeDelta};
use serde_json::{Number, Value};

use super::{Decoder, Encoder, Save};
use crate::time::Time;

/// Deeper JSON is not read; what the contract and the reader of lines take is less deep.
const DEEPEST: usize = 256;

/// Of a map without an order no more room is made at once; it grows with what is there.
const ROOM: usize = 1 << 16;

macro_rules! numbers {
    ($($number:ident)+) => {$(
        impl Save for $number {
            fn write<'a>(&'a self, to: &mut Encoder<'a>) {
                to.number(*self as u64);
            }

            fn read(from: &mut Decoder<'_>) -> Option<Self> {
                Self::try_from(from.number()?).ok()
            }
        }
    )+};
}
numbers! { u16 u32 u64 usize }

macro_rules! exact {
    ($($number:ident)+) => {$(
        impl Save for $number {
            fn write<'a>(&'a self, to: &mut Encoder<'a>) {
                to.raw(&self.to_le_bytes());
            }

            fn read(from: &mut Decoder<'_>) -> Option<Self> {
                Some(Self::from_le_bytes(from.raw()?))
            }
        }
    )+};
}
exact! { u8 u128 f64 }

/// Small ones of either sign are short.
impl Save for i64 {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        signed(*self, to);
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        let number = from.number()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }
}

impl Save for bool {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        to.number(u64::from(*self));
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        match from.number()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl<const N: usize> Save for [u8; N] {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        to.raw(self);
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        from.raw()
    }
}

macro_rules! texts {
    ($($text:ty)+) => {$(
        impl Save for $text {
            fn write<'a>(&'a self, to: &mut Encoder<'a>) {
                to.text(self);
            }

            fn read(from: &mut Decoder<'_>) -> Option<Self> {
                Some(from.text()?.into())
            }
        }
    )+};
}
texts! { String Box<str> }

impl Save for Arc<str> {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        to.shared_text(self);
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        from.shared_text()
    }
}

impl Save for Time {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        signed(self.timestamp(), to);
        to.number(u64::from(self.timestamp_subsec_nanos()));
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        DateTime::from_timestamp(Save::read(from)?, Save::read(from)?)
    }
}

impl Save for TimeDelta {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        // Whole seconds are rounded to zero, and the rest has their sign.
        signed(self.num_seconds(), to);
        signed(i64::from(self.subsec_nanos()), to);
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        let seconds = Self::try_seconds(Save::read(from)?)?;
        seconds.checked_add(&Self::nanoseconds(Save::read(from)?))
    }
}

impl Save for NaiveDate {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        signed(i64::from(self.num_days_from_ce()), to);
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        let days: i64 = Save::read(from)?;
        Self::from_num_days_from_ce_opt(i32::try_from(days).ok()?)
    }
}

impl Save for FixedOffset {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        signed(i64::from(self.local_minus_utc()), to);
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        let seconds: i64 = Save::read(from)?;
        Self::east_opt(i32::try_from(seconds).ok()?)
    }
}

fn signed(number: i64, to: &mut Encoder<'_>) {
    to.number(((number << 1) ^ (number >> 63)) as u64);
}

impl Save for Value {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        match self {
            Value::Null => to.number(0),
            Value::Bool(value) => to.number(1 + u64::from(*value)),
            Value::Number(number) => {
                if let Some(number) = number.as_u64() {
                    to.number(3);
                    to.number(number);
                } else if let Some(number) = number.as_i64() {
                    to.number(4);
                    signed(number, to);
                } else {
                    // A decimal number: never read from text again, which may round.
                    to.number(5);
                    to.raw(&number.as_f64().unwrap_or_default().to_le_bytes());
                }
            }
            Value::String(text) => {
                to.number(6);
                to.text(text);
            }
            Value::Array(values) => {
                to.number(7);
                values.write(to);
            }
            Value::Object(members) => {
                to.number(8);
                to.number(members.len() as u64);
                for (name, value) in members {
                    to.text(name);
                    value.write(to);
                }
            }
        }
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        from.depth += 1;
        if from.depth > DEEPEST {
            return None;
        }
        let value = match from.number()? {
            0 => Value::Null,
            1 => Value::Bool(false),
            2 => Value::Bool(true),
            3 => Value::Number(from.number()?.into()),
            4 => Value::Number(i64::read(from)?.into()),
            5 => Value::Number(Number::from_f64(Save::read(from)?)?),
            6 => Value::String(Save::read(from)?),
            7 => Value::Array(Save::read(from)?),
            8 => {
                let count = from.count()?;
                let members = (0..count).map(|_| <(String, Value)>::read(from));
                Value::Object(members.collect::<Option<_>>()?)
            }
            _ => return None,
        };
        from.depth -= 1;
        Some(value)
    }
}

impl<T: Save> Save for Option<T> {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        to.number(u64::from(self.is_some()));
        if let Some(value) = self {
            value.write(to);
        }
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        Some(match bool::read(from)? {
            true => Some(T::read(from)?),
            false => None,
        })
    }
}

impl<T: Save> Save for Box<T> {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        T::write(self, to);
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        Some(Self::new(T::read(from)?))
    }
}

macro_rules! together {
    ($($member:ident $place:tt),+) => {
        impl<$($member: Save),+> Save for ($($member,)+) {
            fn write<'a>(&'a self, to: &mut Encoder<'a>) {
                $(self.$place.write(to);)+
            }

            fn read(from: &mut Decoder<'_>) -> Option<Self> {
                Some(($($member::read(from)?,)+))
            }
        }
    };
}
together! { A 0, B 1 }
together! { A 0, B 1, C 2 }

fn all<'a, T: Save + 'a>(values: impl ExactSizeIterator<Item = &'a T>, to: &mut Encoder<'a>) {
    to.number(values.len() as u64);
    for value in values {
        value.write(to);
    }
}

macro_rules! lists {
    ($($list:ident $(: $order:ident)?),+) => {$(
        impl<T: Save $(+ $order)?> Save for $list<T> {
            fn write<'a>(&'a self, to: &mut Encoder<'a>) {
                all(self.iter(), to);
            }

            fn read(from: &mut Decoder<'_>) -> Option<Self> {
                let count = from.count()?;
                (0..count).map(|_| T::read(from)).collect()
            }
        }
    )+};
}
lists! { Vec, VecDeque, BTreeSet: Ord }

impl<K: Save + Ord, V: Save> Save for BTreeMap<K, V> {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        to.number(self.len() as u64);
        for (key, value) in self {
            key.write(to);
            value.write(to);
        }
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        let count = from.count()?;
        (0..count).map(|_| Save::read(from)).collect()
    }
}

/// In the order of the keys.
impl<K: Save + Ord + Hash, V: Save> Save for HashMap<K, V, ahash::RandomState> {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        let mut members: Vec<_> = self.iter().collect();
        members.sort_unstable_by(|one, other| one.0.cmp(other.0));
        to.number(members.len() as u64);
        for (key, value) in members {
            key.write(to);
            value.write(to);
        }
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        let count = from.count()?;
        let mut members = Self::with_capacity_and_hasher(count.min(ROOM), Default::default());
        for _ in 0..count {
            members.insert(K::read(from)?, V::read(from)?);
        }
        Some(members)
    }
}

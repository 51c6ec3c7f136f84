//! The whole state as bytes, and back: what a start needs instead of the log up to there.
//!
//! Exact or nothing: bytes that were cut, changed or written by other code give nothing, and the state is built from the
//! log. What is shared in memory is written once and shared again. Every type lists its members beside itself; one that is
//! forgotten does not compile. Where the bytes are kept, and which lines they stand for, is the engine's matter.

mod values;

use std::{any::Any, collections::HashMap, sync::Arc};

use sha2::{Digest, Sha256};

/// Names the form of the bytes, and changes with the code that gives them meaning (`build.rs`). Bytes of another form are
/// of no use.
pub const FORM: &str = env!("DOMAIN_FORM");

/// Bytes of the checksum in front.
const SUM: usize = 32;

/// What can be saved. `read` gives exactly what was written, or `None` where that cannot be.
pub(crate) trait Save: Sized {
    fn write<'a>(&'a self, to: &mut Encoder<'a>);
    fn read(from: &mut Decoder<'_>) -> Option<Self>;
}

/// A checksum, the form, what it is, and the value.
pub(crate) fn save<T: Save>(what: &str, value: &T) -> Vec<u8> {
    let mut to = Encoder::default();
    to.bytes.extend([0; SUM]);
    to.text(FORM);
    to.text(what);
    value.write(&mut to);
    let mut bytes = to.bytes;
    if let Some((sum, rest)) = bytes.split_first_chunk_mut::<SUM>() {
        sum.copy_from_slice(&Sha256::digest(rest));
    }
    bytes
}

/// `None` unless the bytes are exactly what [`save`] gave for a value of that type and name.
pub(crate) fn restore<T: Save>(what: &str, bytes: &[u8]) -> Option<T> {
    let (sum, rest) = bytes.split_first_chunk::<SUM>()?;
    if sum.as_slice() != Sha256::digest(rest).as_slice() {
        return None;
    }
    let mut from = Decoder {
        rest,
        texts: vec![],
        shared: vec![],
        depth: 0,
    };
    if from.text()? != FORM || from.text()? != what {
        return None;
    }
    let value = T::read(&mut from)?;
    from.rest.is_empty().then_some(value)
}

/// Bytes as they are written.
#[derive(Default)]
pub(crate) struct Encoder<'a> {
    bytes: Vec<u8>,
    /// Texts that were written, by their order.
    texts: HashMap<&'a str, u64, ahash::RandomState>,
    /// What is shared and was written, by its address.
    shared: HashMap<usize, u64, ahash::RandomState>,
}

impl<'a> Encoder<'a> {
    /// Seven bits a byte, the least first.
    pub(crate) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.raw(text.as_bytes());
    }

    /// A text that stands in many places: whole at the first of them.
    pub(crate) fn shared_text(&mut self, text: &'a str) {
        let next = self.texts.len() as u64;
        match self.texts.get(text).copied() {
            Some(number) => self.number(number + 1),
            None => {
                self.texts.insert(text, next);
                self.number(0);
                self.text(text);
            }
        }
    }
}

/// Bytes as they are read. Never takes more memory than a small multiple of what is left of them.
pub(crate) struct Decoder<'b> {
    rest: &'b [u8],
    texts: Vec<Arc<str>>,
    shared: Vec<Arc<dyn Any + Send + Sync>>,
    /// How deep the value of JSON under way is.
    depth: usize,
}

impl<'b> Decoder<'b> {
    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.raw()?;
            let bits = u64::from(byte & 0x7f);
            // Of the last one bit only is left.
            if bits << shift >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    pub(crate) fn raw<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*bytes)
    }

    /// Bytes that were not read yet.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// How many follow, of which each takes a byte at least.
    pub(crate) fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= self.rest.len()).then_some(count)
    }

    pub(crate) fn text(&mut self) -> Option<&'b str> {
        let length = self.count()?;
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        std::str::from_utf8(bytes).ok()
    }

    pub(crate) fn shared_text(&mut self) -> Option<Arc<str>> {
        let number = usize::try_from(self.number()?).ok()?;
        if let Some(known) = number.checked_sub(1) {
            return self.texts.get(known).cloned();
        }
        let text: Arc<str> = self.text()?.into();
        self.texts.push(text.clone());
        Some(text)
    }
}

/// What several point to is written where it is met first, and is one again.
impl<T: Save + Send + Sync + 'static> Save for Arc<T> {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        let address = Arc::as_ptr(self) as usize;
        if let Some(number) = to.shared.get(&address).copied() {
            return to.number(number + 1);
        }
        to.number(0);
        T::write(self, to);
        let number = to.shared.len() as u64;
        to.shared.insert(address, number);
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        let number = usize::try_from(from.number()?).ok()?;
        if let Some(known) = number.checked_sub(1) {
            return from.shared.get(known)?.clone().downcast().ok();
        }
        let value = Arc::new(T::read(from)?);
        from.shared.push(value.clone());
        Some(value)
    }
}

/// How a type is saved: all its members, or all its variants, in this order.
macro_rules! saved {
    (enum $name:ident { $($variant:ident $(($($member:ident),+))?),+ $(,)? }) => {
        impl $crate::snapshot::Save for $name {
            fn write<'a>(&'a self, to: &mut $crate::snapshot::Encoder<'a>) {
                enum Tag { $($variant),+ }
                match self {
                    $(Self::$variant $(($($member),+))? => {
                        to.number(Tag::$variant as u64);
                        $($($crate::snapshot::Save::write($member, to);)+)?
                    })+
                }
            }

            fn read(from: &mut $crate::snapshot::Decoder<'_>) -> Option<Self> {
                enum Tag { $($variant),+ }
                let tag = from.number()?;
                $(if tag == Tag::$variant as u64 {
                    $($(let $member = $crate::snapshot::Save::read(from)?;)+)?
                    return Some(Self::$variant $(($($member),+))?);
                })+
                None
            }
        }
    };
    ($name:ident($member:ident)) => {
        impl $crate::snapshot::Save for $name {
            fn write<'a>(&'a self, to: &mut $crate::snapshot::Encoder<'a>) {
                let Self($member) = self;
                $crate::snapshot::Save::write($member, to);
            }

            fn read(from: &mut $crate::snapshot::Decoder<'_>) -> Option<Self> {
                Some(Self($crate::snapshot::Save::read(from)?))
            }
        }
    };
    ($name:ident $(<$of:ident>)? { $($member:ident),+ $(,)? }) => {
        impl $(<$of: $crate::snapshot::Save>)? $crate::snapshot::Save for $name $(<$of>)? {
            fn write<'a>(&'a self, to: &mut $crate::snapshot::Encoder<'a>) {
                let Self { $($member),+ } = self;
                $($crate::snapshot::Save::write($member, to);)+
            }

            fn read(from: &mut $crate::snapshot::Decoder<'_>) -> Option<Self> {
                Some(Self { $($member: $crate::snapshot::Save::read(from)?),+ })
            }
        }
    };
}
pub(crate) use saved;

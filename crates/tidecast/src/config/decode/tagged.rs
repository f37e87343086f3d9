use serde::de::{self, DeserializeSeed, EnumAccess, IntoDeserializer, VariantAccess, Visitor};

use serde_json::Value;

use super::keys::TAG;
use super::reader::Reader;
use crate::config::fault::Fault;
use crate::config::suggest::nearest;

/// One of several words.
pub(super) struct Word<'a>(pub(super) Reader<'a>);

impl<'de> EnumAccess<'de> for Word<'de> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Fault> {
        let text = self.0.text("a word")?;
        let variant = self.0.place(seed.deserialize(text.into_deserializer()))?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Word<'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, Fault> {
        let text = self.0.text("a section")?;
        let fault = Fault::wrong_kind("a word", "a section", format!("write `{{ type: {text} }}`"));
        self.0.place(Err(fault.instead(Some(format!("{{ type: {text} }}")))))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Fault> {
        self.0.wrong("a word")
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Fault> {
        self.0.wrong("a word")
    }
}

/// A section whose `type` says what it is.
pub(super) struct Tagged<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) name: &'static str,
    pub(super) variants: &'static [&'static str],
}

impl<'de> EnumAccess<'de> for Tagged<'de> {
    type Error = Fault;
    type Variant = Reader<'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Reader<'de>), Fault> {
        let Some(tag) = self.reader.node.entry(TAG) else { return Err(self.untagged()) };
        let reader = self.reader.child(&tag.value, Some(tag.place));
        let text = reader.text("a word")?;
        let variant = seed.deserialize(text.into_deserializer());
        let variant = variant.map_err(|fault: Fault| fault.place(tag.value.place, tag.value.id))?;
        let known = self.variants.iter().copied().find(|known| *known == text);
        Ok((variant, Reader { section: known.map(|known| (self.name, known)), ..self.reader }))
    }
}

impl Tagged<'_> {
    /// Without a type, one that was slightly misspelt is the likeliest reason.
    fn untagged(&self) -> Fault {
        let keys: Vec<_> = self.reader.node.entries().iter().map(|entry| entry.key.as_str()).collect();
        let meant = nearest(TAG, keys.iter().copied()).and_then(|key| self.reader.node.entry(key));
        match meant {
            Some(entry) => Fault::unknown_key(&entry.key, &[TAG]).place(entry.place, entry.value.id),
            None => {
                let likeliest = self.reader.context.shapes.likeliest(self.name, self.variants, &keys);
                self.reader.missing(TAG, likeliest.map(Value::from).as_ref())
            }
        }
    }
}

impl<'de> VariantAccess<'de> for Reader<'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        self.wrong("a word")
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Fault> {
        self.wrong("a word")
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        de::Deserializer::deserialize_struct(self, "", fields, visitor)
    }
}

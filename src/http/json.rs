//! JSON as bodies carry it. It is read once into a tree in which every member of an object comes once, and from the
//! tree into types that take an object from nothing but an object: serde by itself lets the last of two members win, and
//! takes the members of a struct from an array too, in their order.

use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    self, DeserializeOwned, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};
use serde_json::{Error, Map, Value};

/// What went wrong, and where.
pub type Fault = serde_path_to_error::Error<Error>;

/// What the message of a member that comes twice begins with; its name follows in backticks.
pub const REPEATED: &str = "repeated field ";
/// Longest name that a message repeats, in characters.
const SHOWN: usize = 100;

/// Reads a text into a tree.
///
/// # Errors
/// It is no JSON, or an object has a member twice.
pub fn tree(bytes: &[u8]) -> Result<Value, Fault> {
    let mut text = serde_json::Deserializer::from_slice(bytes);
    let Once(value) = serde_path_to_error::deserialize(&mut text)?;
    let nowhere = || serde_path_to_error::Track::new().path();
    text.end().map_err(|error| Fault::new(nowhere(), error))?;
    Ok(value)
}

/// Reads a tree into a type.
///
/// # Errors
/// It does not fit.
pub fn read<T: DeserializeOwned>(tree: Value) -> Result<T, Fault> {
    serde_path_to_error::deserialize(Strict(tree))
}

/// A value without repeated members.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnceVisitor).map(Self)
    }
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Once(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                let shown: String = name.chars().take(SHOWN).collect();
                return Err(de::Error::custom(format!("{REPEATED}`{shown}`")));
            }
            let Once(value) = members.next_value()?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

/// A tree that gives a struct nothing but an object, and a word of a list nothing but a string.
struct Strict(Value);

impl<'de> IntoDeserializer<'de, Error> for Strict {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Strict {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(items) => {
                let mut items = SeqDeserializer::new(items.into_iter().map(Strict));
                let value = visitor.visit_seq(&mut items)?;
                items.end().map(|()| value)
            }
            Value::Object(members) => {
                let mut members =
                    MapDeserializer::new(members.into_iter().map(|(name, v)| (name, Strict(v))));
                let value = visitor.visit_map(&mut members)?;
                members.end().map(|()| value)
            }
            plain => plain.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(_) => Err(Error::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            word @ Value::String(_) => word.deserialize_enum(name, words, visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        Yes,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Inner {
        a: i64,
        word: Option<Word>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        inner: Inner,
        list: Vec<Inner>,
        free: Value,
    }

    #[test]
    fn a_tree_is_what_was_written() {
        let text = r#" {"a":[1,-2,3.5,true,null,"瓶",18446744073709551615],"b":{"a":{}}} "#;
        assert_eq!(tree(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        for bad in ["", "{", "{}x", "{} {}", "[1,]", "\"\\ud800\"", "1e400"] {
            assert!(tree(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(tree("[".repeat(1_000).as_bytes()).is_err(), "depth has an end");
    }

    #[test]
    fn a_member_that_comes_twice_is_named_at_every_depth() {
        for (text, path, name) in [
            (r#"{"a":1,"a":1}"#, ".", "a"),
            (r#"{"a":{"b":1,"c":[],"b":null}}"#, "a", "b"),
            (r#"{"a":[0,{"b":1,"b":1}]}"#, "a[1]", "b"),
            (r#"{"a":1,"\u0061":1}"#, ".", "a"),
        ] {
            let fault = tree(text.as_bytes()).unwrap_err();
            assert!(fault.inner().to_string().starts_with(&format!("{REPEATED}`{name}`")), "{text}: {fault}");
            assert_eq!(fault.path().to_string(), path, "{text}");
        }
        let long = "x".repeat(60_000);
        let fault = tree(format!(r#"{{"{long}":1,"{long}":1}}"#).as_bytes()).unwrap_err();
        assert!(fault.inner().to_string().len() < 200);
    }

    #[test]
    fn an_object_is_no_array_and_a_word_no_object() {
        let good =
            json!({ "inner": { "a": 1, "word": "yes" }, "list": [{ "a": 2 }], "free": [[1], { "x": [2] }] });
        let read_good: Outer = read(good.clone()).unwrap();
        assert_eq!(read_good, serde_json::from_value(good.clone()).unwrap());
        for (pointer, value, path) in [
            ("/inner", json!([1, "yes"]), "inner"),
            ("/list/0", json!([2, null]), "list[0]"),
            ("/inner/word", json!({ "yes": null }), "inner.word"),
            ("/inner/word", json!(["yes"]), "inner.word"),
            ("/list", json!({}), "list"),
        ] {
            let mut bad = good.clone();
            *bad.pointer_mut(pointer).unwrap() = value;
            let fault = read::<Outer>(bad).unwrap_err();
            assert!(fault.inner().to_string().starts_with("invalid type"), "{fault}");
            assert_eq!(fault.path().to_string(), path);
        }
    }
}

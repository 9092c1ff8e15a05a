//! The kinds of keys: constructors used in the key table, and the functions that give the fields their types.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use model::Secret;
use regex::Regex;

use crate::addresses::{HostPort, resolve_zookeeper};
use crate::filters::{ClusterFilters, HostFilters, TextFilters};
use crate::key::{JsonType, Kind, Literal, Spec, Unit};
use crate::patterns::{AliasRules, FirstGroup};
use crate::report::{Complaint, ConfigError, Origin, Report};
use crate::value::{Value, Values};

/// What the groups of `Settings` are built from.
pub(crate) struct Resolving<'a> {
    pub(crate) values: &'a Values,
    pub(crate) origins: &'a BTreeMap<&'static str, Origin>,
    pub(crate) report: &'a mut Report,
}

impl Resolving<'_> {
    /// The typed field of one key; a refusal is reported and yields `None`.
    pub(crate) fn field<T>(&mut self, name: &'static str, kind: &Kind<T>) -> Option<T> {
        let value = self.values.get(name);
        let mut notes = Vec::new();
        let resolved = (kind.resolve)(&kind.spec, value, &mut notes);
        let origin = self.origins.get(name).cloned();
        for note in notes {
            self.report.warn(origin.clone(), Some(name), note);
        }
        match resolved {
            Ok(field) => Some(field),
            Err(complaints) => {
                for Complaint { what, cure } in complaints {
                    let (origin, key, value) = (origin.clone(), Some(name.to_owned()), value.shown());
                    let is_undecodable = false;
                    self.report.error(ConfigError { origin, key, value, what, cure, is_undecodable });
                }
                None
            }
        }
    }
}

type Resolved<T> = Result<T, Vec<Complaint>>;

const fn spec(json: JsonType, default: Literal) -> Spec {
    Spec { json, unit: Unit::None, default, min: i64::MIN, max: i64::MAX }
}

/// A switch.
pub(crate) const fn flag(default: bool) -> Kind<bool> {
    Kind { spec: spec(JsonType::Boolean, Literal::Flag(default)), resolve: resolve_flag }
}

/// A text that may be empty.
pub(crate) const fn text(default: &'static str) -> Kind<String> {
    Kind { spec: spec(JsonType::Text, Literal::Text(default)), resolve: |_, value, _| Ok(text_of(value)) }
}

/// A text; empty means that nothing was given.
pub(crate) const fn optional() -> Kind<Option<String>> {
    Kind { spec: spec(JsonType::Text, Literal::Text("")), resolve: |_, value, _| Ok(given(value)) }
}

/// Servers of ZooKeeper; empty means none.
pub(crate) const fn zookeeper_servers() -> Kind<Vec<HostPort>> {
    Kind { spec: spec(JsonType::Text, Literal::Text("")), resolve: resolve_zookeeper }
}

/// A file or directory; empty means that none was given.
pub(crate) const fn path() -> Kind<Option<PathBuf>> {
    Kind {
        spec: spec(JsonType::Text, Literal::Text("")),
        resolve: |_, value, _| Ok(given(value).map(PathBuf::from)),
    }
}

/// A password or token; empty by default.
pub(crate) const fn secret() -> Kind<Secret> {
    Kind { spec: spec(JsonType::Text, Literal::Secret), resolve: resolve_secret }
}

/// A list of texts.
pub(crate) const fn list(default: &'static [&'static str]) -> Kind<Vec<String>> {
    Kind { spec: spec(JsonType::List, Literal::List(Some(default))), resolve: resolve_list }
}

/// A list of texts whose default is written `null`.
pub(crate) const fn null_list() -> Kind<Vec<String>> {
    Kind { spec: spec(JsonType::List, Literal::List(None)), resolve: resolve_list }
}

/// Host filters, empty by default.
pub(crate) const fn host_filters() -> Kind<HostFilters> {
    Kind { spec: spec(JsonType::List, Literal::List(Some(&[]))), resolve: resolve_host_filters }
}

/// Host filters whose default is written `null`.
pub(crate) const fn null_host_filters() -> Kind<HostFilters> {
    Kind { spec: spec(JsonType::List, Literal::List(None)), resolve: resolve_host_filters }
}

/// Regular expressions searched in one text, empty by default.
pub(crate) const fn text_filters() -> Kind<TextFilters> {
    let resolve =
        |_: &Spec, value: &Value, notes: &mut Vec<String>| TextFilters::compile(&list_of(value), notes);
    Kind { spec: spec(JsonType::List, Literal::List(Some(&[]))), resolve }
}

/// Cluster filters, empty by default.
pub(crate) const fn cluster_filters() -> Kind<ClusterFilters> {
    let resolve = |_: &Spec, value: &Value, notes: &mut Vec<String>| {
        Ok(ClusterFilters::compile(&list_of(value), notes))
    };
    Kind { spec: spec(JsonType::List, Literal::List(Some(&[]))), resolve }
}

/// Regular expressions for cluster names with the alias each gives; empty by default.
pub(crate) const fn alias_rules() -> Kind<AliasRules> {
    Kind { spec: spec(JsonType::Map, Literal::Map), resolve: resolve_aliases }
}

/// A regular expression; empty means none.
pub(crate) const fn pattern() -> Kind<Option<Regex>> {
    Kind { spec: spec(JsonType::Text, Literal::Text("")), resolve: resolve_pattern }
}

/// A regular expression with a group; empty means none.
pub(crate) const fn grouped_pattern() -> Kind<Option<FirstGroup>> {
    let resolve = |_: &Spec, value: &Value, _: &mut Vec<String>| match given(value) {
        None => Ok(None),
        Some(pattern) => FirstGroup::compile(&pattern).map(Some).map_err(|complaint| vec![complaint]),
    };
    Kind { spec: spec(JsonType::Text, Literal::Text("")), resolve }
}

/// A whole number as it is.
pub(crate) const fn integer(default: i64) -> Kind<i64> {
    Kind { spec: spec(JsonType::Integer, Literal::Integer(default)), resolve: bounded }
}

/// A number of things. Bounds are added by the caller; what exceeds 32 bits counts as the largest 32-bit number.
pub(crate) const fn count(default: i64) -> Kind<u32> {
    Kind {
        spec: spec(JsonType::Integer, Literal::Integer(default)),
        resolve: |s, v, notes| bounded(s, v, notes).map(clamp),
    }
}

/// A number of things where 0 and less mean "no limit" or "off".
pub(crate) const fn optional_count(default: i64) -> Kind<Option<u32>> {
    let resolve = |s: &Spec, v: &Value, notes: &mut Vec<String>| {
        Ok(Some(clamp(bounded(s, v, notes)?)).filter(|n| *n > 0))
    };
    Kind { spec: spec(JsonType::Integer, Literal::Integer(default)), resolve }
}

/// A TCP port.
pub(crate) const fn port(default: i64) -> Kind<u16> {
    let resolve = |s: &Spec, v: &Value, notes: &mut Vec<String>| {
        Ok(u16::try_from(bounded(s, v, notes)?).unwrap_or(u16::MAX))
    };
    Kind { spec: spec(JsonType::Integer, Literal::Integer(default)), resolve }.at_least(1).at_most(65_535)
}

/// A 32-bit number with fraction.
pub(crate) const fn number(default: f32) -> Kind<f32> {
    Kind { spec: spec(JsonType::Number, Literal::Number(default)), resolve: resolve_number }
}

/// Packet size of a MySQL connection: see [`PacketSize`].
pub(crate) const fn packet_size() -> Kind<PacketSize> {
    let resolve = |s: &Spec, v: &Value, notes: &mut Vec<String>| {
        Ok(match bounded(s, v, notes)? {
            0 => PacketSize::AskServer,
            bytes => u32::try_from(bytes).map_or(PacketSize::DriverDefault, PacketSize::Bytes),
        })
    };
    Kind { spec: spec(JsonType::Integer32, Literal::Integer(-1)), resolve }.at_least(-1)
}

/// A span of time; less than 0 counts as 0 unless the caller adds a bound.
pub(crate) const fn span(default: i64, unit: Unit) -> Kind<Duration> {
    let spec = Spec { unit, ..spec(JsonType::Integer, Literal::Integer(default)) };
    Kind { spec, resolve: |s, v, notes| bounded(s, v, notes).map(|n| duration(s.unit, n)) }
}

/// A span of time where 0 and less mean "off" or "no limit".
pub(crate) const fn optional_span(default: i64, unit: Unit) -> Kind<Option<Duration>> {
    let spec = Spec { unit, ..spec(JsonType::Integer, Literal::Integer(default)) };
    let resolve = |s: &Spec, v: &Value, notes: &mut Vec<String>| {
        Ok(Some(duration(s.unit, bounded(s, v, notes)?)).filter(|span| !span.is_zero()))
    };
    Kind { spec, resolve }
}

/// A text out of a known set.
pub(crate) const fn choice<C: Choice>(default: &'static str) -> Kind<C> {
    Kind { spec: spec(JsonType::Text, Literal::Text(default)), resolve: resolve_choice::<C> }
}

/// Largest packet on a MySQL connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketSize {
    /// What the driver uses by itself; -1 in the file.
    DriverDefault,
    /// What the server says; 0 in the file.
    AskServer,
    /// This many bytes.
    Bytes(u32),
}

/// A set of words a key accepts.
pub(crate) trait Choice: Sized {
    /// The words, for messages.
    const WORDS: &'static str;

    /// The meaning of a text.
    fn read(text: &str) -> Chosen<Self>;
}

/// Outcome of reading a word.
pub(crate) enum Chosen<C> {
    /// Known.
    Is(C),
    /// Unknown, but with a harmless meaning that existing files may rely on; the text says which.
    Tolerated(C, &'static str),
    /// Unknown, and guessing would be dangerous.
    Unknown,
}

fn resolve_choice<C: Choice>(_: &Spec, value: &Value, notes: &mut Vec<String>) -> Resolved<C> {
    let word = text_of(value);
    match C::read(&word) {
        Chosen::Is(chosen) => Ok(chosen),
        Chosen::Tolerated(chosen, meaning) => {
            notes.push(format!("{word:?} is not one of {}; {meaning}", C::WORDS));
            Ok(chosen)
        }
        Chosen::Unknown => Err(vec![Complaint::new("not a known word", format!("use one of {}", C::WORDS))]),
    }
}

fn resolve_flag(_: &Spec, value: &Value, _: &mut Vec<String>) -> Resolved<bool> {
    Ok(matches!(value, Value::Flag(true)))
}

fn resolve_secret(_: &Spec, value: &Value, _: &mut Vec<String>) -> Resolved<Secret> {
    Ok(match value {
        Value::Secret(secret) => secret.clone(),
        _ => Secret::default(),
    })
}

fn resolve_list(_: &Spec, value: &Value, _: &mut Vec<String>) -> Resolved<Vec<String>> {
    Ok(list_of(value))
}

fn resolve_host_filters(_: &Spec, value: &Value, notes: &mut Vec<String>) -> Resolved<HostFilters> {
    HostFilters::compile(&list_of(value), notes)
}

fn resolve_aliases(_: &Spec, value: &Value, _: &mut Vec<String>) -> Resolved<AliasRules> {
    match value {
        Value::Map(Some(entries)) => AliasRules::compile(entries),
        _ => AliasRules::compile(&[]),
    }
}

fn resolve_pattern(_: &Spec, value: &Value, _: &mut Vec<String>) -> Resolved<Option<Regex>> {
    match given(value) {
        None => Ok(None),
        Some(pattern) => crate::patterns::compile(&pattern).map(Some).map_err(|complaint| vec![complaint]),
    }
}

fn resolve_number(spec: &Spec, value: &Value, notes: &mut Vec<String>) -> Resolved<f32> {
    let number = match value {
        Value::Number(number) => *number,
        _ => 0.0,
    };
    if f64::from(number) < spec.min as f64 {
        notes.push(too_small(number, spec.min));
        return Ok(spec.min as f32);
    }
    Ok(number)
}

fn too_small(number: impl std::fmt::Display, min: i64) -> String {
    format!("{number} is too small and counts as {min}, the least that makes sense")
}

/// The integer of a value. One that is too small counts as the smallest, because the original takes any; one that is no
/// port is refused.
fn bounded(spec: &Spec, value: &Value, notes: &mut Vec<String>) -> Resolved<i64> {
    let number = match value {
        Value::Integer(number) => *number,
        _ => 0,
    };
    if number < spec.min && spec.max == i64::MAX {
        notes.push(too_small(number, spec.min));
        return Ok(spec.min);
    }
    if number < spec.min {
        let cure = format!("set it to {} or more, or remove the key for its default", spec.min);
        return Err(vec![Complaint::new(format!("must not be smaller than {}", spec.min), cure)]);
    }
    if number > spec.max {
        let cure = format!("set it to {} or less", spec.max);
        return Err(vec![Complaint::new(format!("must not be larger than {}", spec.max), cure)]);
    }
    Ok(number)
}

fn duration(unit: Unit, number: i64) -> Duration {
    let number = u64::try_from(number).unwrap_or(0);
    Duration::from_millis(number.saturating_mul(unit.milliseconds()))
}

fn clamp(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        _ => String::new(),
    }
}

fn given(value: &Value) -> Option<String> {
    Some(text_of(value)).filter(|text| !text.is_empty())
}

fn list_of(value: &Value) -> Vec<String> {
    match value {
        Value::List(Some(list)) => list.clone(),
        _ => Vec::new(),
    }
}

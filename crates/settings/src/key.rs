//! How a key is described: its type, default, bounds, unit and what else a reader, a checker and a reference page need.
//!
//! A [`Kind`] joins that description with the function that turns the value of a file into the typed field of
//! [`Settings`](crate::Settings). The `group!` macro declares a struct and the descriptions of its keys in one go, so
//! each key exists exactly once.

use std::fmt;

use model::Secret;

use crate::report::Complaint;
use crate::value::Value;

/// Type of a value in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonType {
    /// `true` or `false`.
    Boolean,
    /// A whole number of 64 bits.
    Integer,
    /// A whole number of 32 bits.
    Integer32,
    /// A whole number that is not negative.
    Unsigned,
    /// A number with or without fraction, kept in 32 bits.
    Number,
    /// A text.
    Text,
    /// A list of texts.
    List,
    /// An object whose values are texts.
    Map,
}

impl fmt::Display for JsonType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Integer32 => "integer (32 bit)",
            Self::Unsigned => "integer >=0",
            Self::Number => "number",
            Self::Text => "string",
            Self::List => "array of strings",
            Self::Map => "object string->string",
        })
    }
}

/// Unit of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A plain number or no number at all.
    None,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
    /// Hours.
    Hours,
    /// Days.
    Days,
}

impl Unit {
    /// Milliseconds in one unit; 0 for plain numbers.
    pub(crate) fn milliseconds(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Milliseconds => 1,
            Self::Seconds => 1_000,
            Self::Minutes => 60_000,
            Self::Hours => 3_600_000,
            Self::Days => 86_400_000,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "",
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
            Self::Minutes => "min",
            Self::Hours => "h",
            Self::Days => "d",
        })
    }
}

/// A default value that can be written in a constant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Literal {
    Flag(bool),
    Integer(i64),
    Number(f32),
    Text(&'static str),
    Secret,
    List(Option<&'static [&'static str]>),
    Map,
}

impl Literal {
    pub(crate) fn value(self) -> Value {
        match self {
            Self::Flag(flag) => Value::Flag(flag),
            Self::Integer(integer) => Value::Integer(integer),
            Self::Number(number) => Value::Number(number),
            Self::Text(text) => Value::Text(text.to_owned()),
            Self::Secret => Value::Secret(Secret::default()),
            Self::List(list) => Value::List(list.map(|l| l.iter().map(|s| (*s).to_owned()).collect())),
            Self::Map => Value::Map(Some(Vec::new())),
        }
    }
}

/// The part of a kind that does not depend on the Rust type of the field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spec {
    pub(crate) json: JsonType,
    pub(crate) unit: Unit,
    pub(crate) default: Literal,
    pub(crate) min: i64,
    pub(crate) max: i64,
}

/// A function from the value of a file to the typed field; notes are warnings for the operator.
pub(crate) type Resolve<T> = fn(&Spec, &Value, &mut Vec<String>) -> Result<T, Vec<Complaint>>;

/// Description of a key plus the way to its typed field.
pub(crate) struct Kind<T> {
    pub(crate) spec: Spec,
    pub(crate) resolve: Resolve<T>,
}

impl<T> Kind<T> {
    /// The smallest accepted value, in the unit of the key.
    pub(crate) const fn at_least(self, min: i64) -> Self {
        Self { spec: Spec { min, ..self.spec }, resolve: self.resolve }
    }

    /// The largest accepted value, in the unit of the key.
    pub(crate) const fn at_most(self, max: i64) -> Self {
        Self { spec: Spec { max, ..self.spec }, resolve: self.resolve }
    }

    /// Negative numbers are a type error, not a value out of bounds.
    pub(crate) const fn unsigned(self) -> Self {
        Self { spec: Spec { json: JsonType::Unsigned, ..self.spec }, resolve: self.resolve }
    }
}

/// The untyped part of a kind.
pub(crate) const fn spec_of<T>(kind: &Kind<T>) -> Spec {
    kind.spec
}

/// Whether a key does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It does.
    Active,
    /// An old name, still honoured; holds the new one.
    Deprecated(&'static str),
    /// Accepted for the sake of existing files, without effect, as in the original.
    Ignored,
    /// Our own addition, unknown to the original orchestrator.
    Extension,
}

/// The declaration of one key, as found in the table [`keys()`](crate::keys()).
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Name in the file.
    pub name: &'static str,
    /// Place in the printed configuration, from 1, without gaps.
    pub order: u16,
    /// Title of the group in the reference page.
    pub group: &'static str,
    /// Whether a new value takes effect on reload; otherwise at the next start.
    pub reloadable: bool,
    /// Whether it does something.
    pub status: Status,
    /// Active in the original, accepted without effect by this version: what holds instead.
    pub no_effect: Option<&'static str>,
    /// Whether `${...}` in the value is replaced.
    pub expanded: bool,
    pub(crate) doc: &'static str,
    pub(crate) sample: Option<Literal>,
    pub(crate) spec: Spec,
}

impl Key {
    pub(crate) const fn new(
        order: u16,
        name: &'static str,
        group: &'static str,
        doc: &'static str,
        spec: Spec,
    ) -> Self {
        let status = Status::Active;
        Self {
            name,
            order,
            group,
            reloadable: true,
            status,
            no_effect: None,
            expanded: false,
            doc,
            sample: None,
            spec,
        }
    }

    pub(crate) const fn restart(self) -> Self {
        Self { reloadable: false, ..self }
    }

    pub(crate) const fn expanded(self) -> Self {
        Self { expanded: true, ..self }
    }

    pub(crate) const fn deprecated(self, new_name: &'static str) -> Self {
        Self { status: Status::Deprecated(new_name), ..self }
    }

    pub(crate) const fn ignored(self) -> Self {
        Self { status: Status::Ignored, ..self }
    }

    pub(crate) const fn no_effect(self, instead: &'static str) -> Self {
        Self { no_effect: Some(instead), ..self }
    }

    pub(crate) const fn extension(self) -> Self {
        Self { status: Status::Extension, ..self }
    }

    pub(crate) const fn sample(self, value: Literal) -> Self {
        Self { sample: Some(value), ..self }
    }

    /// Type in the file.
    pub fn json_type(&self) -> JsonType {
        self.spec.json
    }

    /// Unit of the number in the file.
    pub fn unit(&self) -> Unit {
        self.spec.unit
    }

    /// Default as JSON text.
    pub fn default_json(&self) -> String {
        crate::output::value_json(&self.default_value(), crate::output::Secrets::Shown).to_string()
    }

    /// What the key means: one or more sentences on one line.
    pub fn doc(&self) -> &'static str {
        self.doc.trim()
    }

    /// Whether the value is never shown.
    pub fn is_secret(&self) -> bool {
        matches!(self.spec.default, Literal::Secret)
    }

    pub(crate) fn default_value(&self) -> Value {
        self.spec.default.value()
    }
}

/// Declares a struct of settings together with its rows of the key table. A row reads
/// `order Name => field: Type = kind, flag, flag(argument);`, where the flags are the methods of [`Key`].
macro_rules! group {
    ($(#[doc = $about:literal])+ $title:literal $group:ident {
        $($(#[doc = $doc:literal])+
        $order:literal $key:ident => $field:ident : $type:ty = $kind:expr
            $(, $flag:ident $(($argument:expr))?)*;)+
    }) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone)]
        pub struct $group {
            $($(#[doc = $doc])+
            #[doc = concat!("\n\nKey `", stringify!($key), "`.")]
            pub $field: $type,)+
        }

        impl $group {
            pub(crate) const KEYS: &'static [$crate::key::Key] = &[
                $($crate::key::Key::new(
                    $order,
                    stringify!($key),
                    $title,
                    concat!($($doc),+),
                    $crate::key::spec_of::<$type>(&$kind),
                )
                    $(.$flag($($argument)?))*,)+
            ];

            /// Builds the group; `None` if a value was refused, after all of them were looked at.
            pub(crate) fn resolve(from: &mut $crate::resolve::Resolving<'_>) -> Option<Self> {
                $(let $field: Option<$type> = from.field(stringify!($key), &$kind);)+
                Some(Self { $($field: $field?,)+ })
            }
        }
    };
}
pub(crate) use group;

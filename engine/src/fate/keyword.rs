//! Why a place did not stay as it was: a keyword of JSON Schema, or one of the sanitizer's own.

/// A keyword of JSON Schema, or one of the sanitizer's own, in the order in which scalars are asked (rule R5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[expect(missing_docs, reason = "each is the keyword that `word` prints")]
pub enum Keyword {
    False,
    Sensitive,
    Type,
    Enum,
    Const,
    Minimum,
    Maximum,
    ExclusiveMinimum,
    ExclusiveMaximum,
    MultipleOf,
    MinLength,
    MaxLength,
    Pattern,
    Format,
    NumberRange,
    DenyPan,
    DenySsn,
    DenyJwt,
    DenyIban,
    DenyEmail,
    DenyPhone,
    PropertyNames,
    Properties,
    PatternProperties,
    AdditionalProperties,
    Unknown,
    Name,
    Items,
    AdditionalItems,
    PrefixItems,
    UnevaluatedProperties,
    UnevaluatedItems,
    AllOf,
    Ref,
    DependentSchemas,
    Then,
    Else,
    AnyOf,
    OneOf,
    Not,
    UniqueItems,
    MaxContains,
    MaxItems,
    MinItems,
    Contains,
    MinContains,
    DependentRequired,
    Dependencies,
    MaxProperties,
    Required,
    MinProperties,
    MaxBytes,
    Limit,
    Budget,
    Oracle,
    Json,
}

impl Keyword {
    /// The word that reports print.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::False => "false",
            Self::Sensitive => "x-sensitive",
            Self::Type => "type",
            Self::Enum => "enum",
            Self::Const => "const",
            Self::Minimum => "minimum",
            Self::Maximum => "maximum",
            Self::ExclusiveMinimum => "exclusiveMinimum",
            Self::ExclusiveMaximum => "exclusiveMaximum",
            Self::MultipleOf => "multipleOf",
            Self::MinLength => "minLength",
            Self::MaxLength => "maxLength",
            Self::Pattern => "pattern",
            Self::Format => "format",
            Self::NumberRange => "number_range",
            Self::DenyPan => "x-deny:pan",
            Self::DenySsn => "x-deny:ssn",
            Self::DenyJwt => "x-deny:jwt",
            Self::DenyIban => "x-deny:iban",
            Self::DenyEmail => "x-deny:email",
            Self::DenyPhone => "x-deny:phone",
            Self::PropertyNames => "propertyNames",
            Self::Properties => "properties",
            Self::PatternProperties => "patternProperties",
            Self::AdditionalProperties => "additionalProperties",
            Self::Unknown => "x-unknown",
            Self::Name => "x-name",
            Self::Items => "items",
            Self::AdditionalItems => "additionalItems",
            Self::PrefixItems => "prefixItems",
            Self::UnevaluatedProperties => "unevaluatedProperties",
            Self::UnevaluatedItems => "unevaluatedItems",
            Self::DependentSchemas => "dependentSchemas",
            Self::Then => "then",
            Self::Else => "else",
            Self::AnyOf => "anyOf",
            Self::OneOf => "oneOf",
            Self::Not => "not",
            Self::MaxContains => "maxContains",
            Self::Contains => "contains",
            Self::MinContains => "minContains",
            Self::Dependencies => "dependencies",
            Self::Budget => "x-budget",
            Self::AllOf => "allOf",
            Self::Ref => "$ref",
            Self::UniqueItems => "uniqueItems",
            Self::MaxItems => "maxItems",
            Self::MinItems => "minItems",
            Self::DependentRequired => "dependentRequired",
            Self::MaxProperties => "maxProperties",
            Self::Required => "required",
            Self::MinProperties => "minProperties",
            Self::MaxBytes => "x-max-bytes",
            Self::Limit => "x-limit",
            Self::Oracle => "x-oracle",
            Self::Json => "x-json",
        }
    }

    /// Whether it says that a schema does not know a name.
    pub(super) fn is_unknown(self) -> bool {
        matches!(self, Self::Unknown | Self::AdditionalProperties | Self::UnevaluatedProperties)
    }

    /// Whether a failing child can be the cause: the container fails because of what it lost.
    pub(super) fn cascades(self) -> bool {
        matches!(self, Self::Required | Self::MinItems | Self::MinProperties)
    }
}

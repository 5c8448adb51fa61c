//! The keywords of five drafts, and of the sanitizer.

/// The member that holds the other files of a policy, in the text that we read.
pub(super) const FILES: &str = "$files";

/// The drafts that are read, with their number or year.
pub(super) const DRAFTS: [(&str, u16); 5] = [
    ("https://json-schema.org/draft/2020-12/schema", 2020),
    ("https://json-schema.org/draft/2019-09/schema", 2019),
    ("http://json-schema.org/draft-07/schema", 7),
    ("http://json-schema.org/draft-06/schema", 6),
    ("http://json-schema.org/draft-04/schema", 4),
];

/// The last draft in which `$ref` hides what stands beside it.
pub(super) const REF_ALONE: u16 = 7;

/// Each keyword with the first and the last draft that has it. `dependencies` is read in every draft: authors still write it.
const KEYWORDS: [(&str, u16, u16); 69] = [
    ("$anchor", 2019, 2020),
    ("$comment", 4, 2020),
    ("$defs", 4, 2020),
    ("$dynamicAnchor", 2020, 2020),
    ("$dynamicRef", 2020, 2020),
    ("$id", 6, 2020),
    ("$recursiveAnchor", 2019, 2019),
    ("$recursiveRef", 2019, 2019),
    ("$ref", 4, 2020),
    ("$schema", 4, 2020),
    ("$vocabulary", 4, 2020),
    ("additionalItems", 4, 2019),
    ("additionalProperties", 4, 2020),
    ("allOf", 4, 2020),
    ("anyOf", 4, 2020),
    ("const", 6, 2020),
    ("contains", 6, 2020),
    ("contentEncoding", 4, 2020),
    ("contentMediaType", 4, 2020),
    ("contentSchema", 4, 2020),
    ("default", 4, 2020),
    ("definitions", 4, 2020),
    ("dependencies", 4, 2020),
    ("dependentRequired", 2019, 2020),
    ("dependentSchemas", 2019, 2020),
    ("deprecated", 4, 2020),
    ("description", 4, 2020),
    ("else", 7, 2020),
    ("enum", 4, 2020),
    ("examples", 4, 2020),
    ("exclusiveMaximum", 4, 2020),
    ("exclusiveMinimum", 4, 2020),
    ("format", 4, 2020),
    ("id", 4, 4),
    ("if", 7, 2020),
    ("items", 4, 2020),
    ("maxContains", 2019, 2020),
    ("maxItems", 4, 2020),
    ("maxLength", 4, 2020),
    ("maxProperties", 4, 2020),
    ("maximum", 4, 2020),
    ("minContains", 2019, 2020),
    ("minItems", 4, 2020),
    ("minLength", 4, 2020),
    ("minProperties", 4, 2020),
    ("minimum", 4, 2020),
    ("multipleOf", 4, 2020),
    ("not", 4, 2020),
    ("oneOf", 4, 2020),
    ("pattern", 4, 2020),
    ("patternProperties", 4, 2020),
    ("prefixItems", 2020, 2020),
    ("properties", 4, 2020),
    ("propertyNames", 6, 2020),
    ("readOnly", 4, 2020),
    ("required", 4, 2020),
    ("then", 7, 2020),
    ("title", 4, 2020),
    ("type", 4, 2020),
    ("unevaluatedItems", 2019, 2020),
    ("unevaluatedProperties", 2019, 2020),
    ("uniqueItems", 4, 2020),
    ("writeOnly", 4, 2020),
    ("x-allow-sensitive", 4, 2020),
    ("x-atomic", 4, 2020),
    ("x-max-bytes", 4, 2020),
    ("x-on-invalid", 4, 2020),
    ("x-on-missing", 4, 2020),
    ("x-sensitive", 4, 2020),
];

/// What a word is in a draft.
pub(super) enum Standing {
    /// A keyword of it.
    Keyword,
    /// A keyword of other drafts: from, or up to, this one.
    From(&'static str),
    /// Up to this one.
    UpTo(&'static str),
    /// None of ours.
    Foreign,
}

/// What `word` is in `draft`.
pub(super) fn standing(word: &str, draft: u16) -> Standing {
    if word == FILES {
        return Standing::Keyword;
    }
    match KEYWORDS.iter().find(|(name, ..)| *name == word) {
        None => Standing::Foreign,
        Some((_, first, _)) if draft < *first => Standing::From(draft_name(*first)),
        Some((_, _, last)) if draft > *last => Standing::UpTo(draft_name(*last)),
        Some(_) => Standing::Keyword,
    }
}

/// The keywords of a draft.
pub(super) fn words(draft: u16) -> Vec<&'static str> {
    KEYWORDS.iter().filter(|(_, first, last)| (*first..=*last).contains(&draft)).map(|(name, _, _)| *name).collect()
}

fn draft_name(draft: u16) -> &'static str {
    match draft {
        4 => "draft 4",
        6 => "draft 6",
        7 => "draft 7",
        2019 => "draft 2019-09",
        _ => "draft 2020-12",
    }
}

/// The keyword that names a schema's resource.
pub(super) fn id_keyword(draft: u16) -> &'static str {
    if draft == 4 { "id" } else { "$id" }
}

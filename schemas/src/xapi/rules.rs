//! The rules of the Statement: one line each, with its section and the words in which it is told.

use super::XapiVersion;

/// A rule of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Stable name, in kebab-case.
    pub name: &'static str,
    /// Where it stands in xAPI 1.0.3.
    pub section_1_0_3: &'static str,
    /// Where it stands in xAPI 2.0.0.
    pub section_2_0_0: &'static str,
    /// Whether the JSON Schemas say it too. The others are the rules that a schema cannot say, or
    /// says only as an annotation (`format`).
    pub in_schema: bool,
    /// What is wrong, in words.
    pub words: &'static str,
}

impl Rule {
    /// The section in a version of xAPI.
    #[must_use]
    pub const fn section(&self, version: XapiVersion) -> &'static str {
        match version {
            XapiVersion::V1_0_3 => self.section_1_0_3,
            XapiVersion::V2_0_0 => self.section_2_0_0,
        }
    }
}

macro_rules! rules {
    ($($konst:ident $name:literal, $old:literal, $new:literal, $schema:ident, $words:literal;)*) => {
        $(pub(super) const $konst: Rule = Rule {
            name: $name,
            section_1_0_3: concat!("xAPI 1.0.3 Data ", $old),
            section_2_0_0: concat!("IEEE 9274.1.1 ", $new),
            in_schema: rules!(@ $schema),
            words: $words,
        };)*

        /// Every rule, in the order of the specification.
        pub const RULES: &[Rule] = &[$($konst),*];
    };
    (@ schema) => { true };
    (@ walk) => { false };
}

// Sections: of the ADL text of 1.0.3; of IEEE 9274.1.1-2023 as the public conformance suite cites
// them (it is finer in the older text: 4.2.7 covers every special data type).
rules! {
    STATEMENT_NOT_OBJECT "statement-not-object", "2.2", "4.2.4.1", schema, "a statement is a JSON object";
    NULL_VALUE "null-value", "2.2", "4.2.4.1", schema, "null is allowed inside extensions only";
    WRONG_TYPE "wrong-type", "2.2", "4.2.4.1", schema, "a value of another type is required";
    UNKNOWN_PROPERTY "unknown-property", "2.2", "4.2.4.1", schema, "the specification has no such property here";
    PROPERTY_CASE "property-case", "2.2", "4.2.4.1", schema, "the property is written in another case in the specification";
    ACTOR_MISSING "actor-missing", "2.4.2", "4.2.2.1", schema, "a statement has an actor";
    VERB_MISSING "verb-missing", "2.4.3", "4.2.2.2", schema, "a statement has a verb";
    OBJECT_MISSING "object-missing", "2.4.4", "4.2.2.3", schema, "a statement has an object";
    ID_NOT_UUID "id-not-uuid", "2.4.1", "4.2.4.2", walk, "a statement's id is a UUID in standard string form";

    VOIDING_OBJECT "voiding-object", "2.3.2", "4.2.5", schema, "the object of a voiding statement is a StatementRef";

    ACTOR_OBJECT_TYPE "actor-object-type", "2.4.2", "4.2.2.1", schema, "objectType is Agent or Group here";
    GROUP_REQUIRED "group-required", "2.4.2.2", "4.2.2.1", schema, "a Group is required here, with objectType Group";
    AGENT_REQUIRED "agent-required", "2.4.2.1", "4.2.2.1", schema, "an Agent is required here";
    IFI_MISSING "ifi-missing", "2.4.2.1", "4.2.2.1", schema, "an Agent has one of mbox, mbox_sha1sum, openid, account";
    IFI_SEVERAL "ifi-several", "2.4.2.3", "4.2.2.1", schema, "an Agent or Group has at most one of mbox, mbox_sha1sum, openid, account";
    GROUP_UNIDENTIFIED "group-unidentified", "2.4.2.2", "4.2.2.1", schema, "a Group without an identifier has a member list";
    MEMBER_NOT_AGENT "member-not-agent", "2.4.2.2", "4.2.2.1", schema, "the members of a Group are Agents";
    MBOX_NOT_MAILTO "mbox-not-mailto", "2.4.2.3", "4.2.2.1", schema, "mbox has the form mailto:email address";
    MBOX_NOT_IRI "mbox-not-iri", "2.4.2.3", "4.2.2.1", walk, "mbox is an IRI";
    MBOX_SHA1SUM_NOT_HEX "mbox-sha1sum-not-hex", "2.4.2.3", "4.2.2.1", schema, "mbox_sha1sum is a SHA-1 in 40 hexadecimal digits";
    OPENID_NOT_URI "openid-not-uri", "2.4.2.3", "4.2.2.1", walk, "openid is a URI with a scheme";
    ACCOUNT_HOME_PAGE_MISSING "account-home-page-missing", "2.4.2.4", "4.2.2.1", schema, "an account has a homePage";
    ACCOUNT_HOME_PAGE_NOT_IRI "account-home-page-not-iri", "2.4.2.4", "4.2.2.1", walk, "the homePage of an account is an IRI with a scheme";
    ACCOUNT_NAME_MISSING "account-name-missing", "2.4.2.4", "4.2.2.1", schema, "an account has a name";

    VERB_ID_MISSING "verb-id-missing", "2.4.3", "4.2.2.2", schema, "a verb has an id";
    VERB_ID_NOT_IRI "verb-id-not-iri", "2.4.3", "4.2.2.2", walk, "the id of a verb is an IRI with a scheme";

    OBJECT_TYPE_UNKNOWN "object-type-unknown", "2.4.4", "4.2.2.3", schema, "objectType is Activity, Agent, Group, StatementRef or SubStatement here";
    OBJECT_TYPE_MISSING "object-type-missing", "2.4.4.2", "4.2.2.3", schema, "an Agent or Group as object has an objectType";
    ACTIVITY_REQUIRED "activity-required", "2.4.4.1", "4.2.2.3", schema, "objectType is Activity here";
    ACTIVITY_ID_MISSING "activity-id-missing", "2.4.4.1", "4.2.2.3", schema, "an Activity has an id";
    ACTIVITY_ID_NOT_IRI "activity-id-not-iri", "2.4.4.1", "4.2.2.3", walk, "the id of an Activity is an IRI with a scheme";
    ACTIVITY_TYPE_NOT_IRI "activity-type-not-iri", "2.4.4.1", "4.2.2.3", walk, "the type of an Activity is an IRI with a scheme";
    MORE_INFO_NOT_IRI "more-info-not-iri", "2.4.4.1", "4.2.2.3", walk, "moreInfo is an IRI with a scheme";
    INTERACTION_TYPE_MISSING "interaction-type-missing", "2.4.4.1", "4.2.2.3", schema, "the properties of an interaction come with an interactionType";
    INTERACTION_TYPE_UNKNOWN "interaction-type-unknown", "2.4.4.1", "4.2.2.3", schema, "interactionType is none of the ten of the specification";
    COMPONENTS_OF_OTHER_TYPE "components-of-other-type", "2.4.4.1", "4.2.2.3", schema, "this interactionType has no such list of components";
    COMPONENT_ID_MISSING "component-id-missing", "2.4.4.1", "4.2.2.3", schema, "an interaction component has an id";
    COMPONENT_ID_REPEATED "component-id-repeated", "2.4.4.1", "4.2.2.3", walk, "the ids of interaction components differ within their list";
    STATEMENT_REF_REQUIRED "statement-ref-required", "2.4.4.3", "4.2.2.3", schema, "a StatementRef is required here, with objectType StatementRef";
    STATEMENT_REF_ID_MISSING "statement-ref-id-missing", "2.4.4.3", "4.2.2.3", schema, "a StatementRef has an id";
    STATEMENT_REF_ID_NOT_UUID "statement-ref-id-not-uuid", "2.4.4.3", "4.2.2.3", walk, "the id of a StatementRef is a UUID in standard string form";
    SUB_STATEMENT_PROPERTY "sub-statement-property", "2.4.4.3", "4.2.2.3", schema, "a SubStatement has no id, stored, version or authority";
    SUB_STATEMENT_NESTED "sub-statement-nested", "2.4.4.3", "4.2.2.3", schema, "a SubStatement contains no SubStatement";

    SCALED_OUT_OF_RANGE "scaled-out-of-range", "2.4.5.1", "4.2.2.4", schema, "scaled lies between -1 and 1";
    RAW_OUT_OF_RANGE "raw-out-of-range", "2.4.5.1", "4.2.2.4", walk, "raw lies between min and max";
    MIN_NOT_BELOW_MAX "min-not-below-max", "2.4.5.1", "4.2.2.4", walk, "min is less than max";
    DURATION_NOT_ISO8601 "duration-not-iso8601", "4.6", "4.2.7", walk, "a duration has the form of ISO 8601 4.4.3.2, such as PT12.4S or P4W";

    REGISTRATION_NOT_UUID "registration-not-uuid", "2.4.6.1", "4.2.2.5", walk, "registration is a UUID in standard string form";
    REVISION_WITHOUT_ACTIVITY "revision-without-activity", "2.4.6", "4.2.2.5", schema, "revision is used only when the object is an Activity";
    PLATFORM_WITHOUT_ACTIVITY "platform-without-activity", "2.4.6", "4.2.2.5", schema, "platform is used only when the object is an Activity";
    LANGUAGE_NOT_TAG "language-not-tag", "2.4.6", "4.2.2.5", walk, "language is a language tag of RFC 5646";
    CONTEXT_ACTIVITIES_KEY "context-activities-key", "2.4.6.2", "4.2.2.5", schema, "the keys of contextActivities are parent, grouping, category and other";
    CONTEXT_AGENT_OBJECT_TYPE "context-agent-object-type", "2.2", "4.2.2.5", schema, "an entry of contextAgents has objectType contextAgent";
    CONTEXT_AGENT_MISSING "context-agent-missing", "2.2", "4.2.2.5", schema, "an entry of contextAgents has an agent";
    CONTEXT_GROUP_OBJECT_TYPE "context-group-object-type", "2.2", "4.2.2.5", schema, "an entry of contextGroups has objectType contextGroup";
    CONTEXT_GROUP_MISSING "context-group-missing", "2.2", "4.2.2.5", schema, "an entry of contextGroups has a group";
    RELEVANT_TYPES_EMPTY "relevant-types-empty", "2.2", "4.2.2.5", schema, "relevantTypes, when there, is not empty";
    RELEVANT_TYPE_NOT_IRI "relevant-type-not-iri", "2.2", "4.2.2.5", walk, "a relevant type is an IRI with a scheme";

    TIMESTAMP_NOT_ISO8601 "timestamp-not-iso8601", "4.5", "4.2.7", walk, "a timestamp is a date and time of ISO 8601, such as 2026-10-05T18:42:11.250+02:00";
    TIMESTAMP_MINUS_ZERO "timestamp-minus-zero-offset", "4.5", "4.2.7", walk, "an offset of minus zero is refused: write Z or +00:00";
    TIMESTAMP_NOT_RFC3339 "timestamp-not-rfc3339", "4.5", "4.2.7", walk, "since 2.0 a timestamp has the form of RFC 3339, with Z or an offset such as +02:00";
    AUTHORITY_GROUP "authority-group", "2.4.9", "4.2.4.2", schema, "a Group as authority is anonymous and has exactly two members, the application with an account";
    VERSION_UNSUPPORTED "version-unsupported", "2.4.10", "4.2.4.3", schema, "version is 1.0 or 1.0.x (or 2.0 or 2.0.x, under version 2.0.0), where x is a number";

    ATTACHMENT_PROPERTY_MISSING "attachment-property-missing", "2.4.11", "4.2.2.6", schema, "an attachment has usageType, display, contentType, length and sha2";
    ATTACHMENT_USAGE_TYPE_NOT_IRI "attachment-usage-type-not-iri", "2.4.11", "4.2.2.6", walk, "usageType is an IRI with a scheme";
    ATTACHMENT_CONTENT_TYPE "attachment-content-type", "2.4.11", "4.2.2.6", walk, "contentType is an Internet Media Type";
    ATTACHMENT_LENGTH "attachment-length", "2.4.11", "4.2.2.6", schema, "length is a whole number of octets";
    ATTACHMENT_SHA2_NOT_HEX "attachment-sha2-not-hex", "2.4.11", "4.2.2.6", schema, "sha2 is a hash of the SHA-2 family in hexadecimal";
    ATTACHMENT_FILE_URL_NOT_IRI "attachment-file-url-not-iri", "2.4.11", "4.2.2.6", walk, "fileUrl is an IRI with a scheme";

    EXTENSION_KEY_NOT_IRI "extension-key-not-iri", "4.1", "4.2.7", walk, "the keys of extensions are IRIs with a scheme";
    LANGUAGE_MAP_KEY "language-map-key", "4.2", "4.2.7", walk, "the keys of a language map are language tags of RFC 5646";

    // What the walk has no better word for; a property test shows that it does not occur.
    SCHEMA "schema", "2.2", "4.2.4.1", schema, "the JSON Schema of the statement does not accept it";
}

//! What a statement can break of an xAPI Profile: one line each, with the words in which it is told.

/// A rule that follows from a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProfileRule {
    /// Stable name, in kebab-case.
    pub name: &'static str,
    /// Where it stands in xAPI Profiles.
    pub section: &'static str,
    /// What is wrong, in words.
    pub words: &'static str,
}

macro_rules! rules {
    ($($konst:ident $name:literal, $section:literal, $words:literal;)*) => {
        $(pub(super) const $konst: ProfileRule = ProfileRule {
            name: $name,
            section: concat!("xAPI Profiles 1.0 Structure ", $section),
            words: $words,
        };)*

        /// Every rule.
        pub const PROFILE_RULES: &[ProfileRule] = &[$($konst),*];
    };
}

rules! {
    NO_TEMPLATE "profile-no-template", "8.0", "no template of the profile matches";
    STATEMENT_REF "profile-statement-ref", "8.0", "the template asks for a StatementRef here";
    INCLUDED "profile-included", "8.1", "the template asks for a value that is not there";
    EXCLUDED "profile-excluded", "8.1", "the template leaves no room for a value here";
    ANY "profile-any", "8.1", "none of the values that the template asks for is there";
    ALL "profile-all", "8.1", "the template allows other values only";
    NONE "profile-none", "8.1", "the template forbids this value";
    RECOMMENDED "profile-recommended", "8.1", "the template recommends a value that is not there";
    EXTENSION_PLACE "profile-extension-place", "7.2", "the profile has this extension for another place";
    EXTENSION_VALUE "profile-extension-value", "7.2", "the profile's schema of this extension does not accept the value";
}

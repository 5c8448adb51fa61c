//! The codes of diagnostics: each is a mistake of one kind, and never changes its meaning.

macro_rules! codes {
    ($($code:ident)*) => {
        /// A code, such as `S010`. `P` is for policies, `S` for schemas, `R` for rhai scripts, `F` for fixtures, `L` for laws.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "the page of codes describes each")]
        #[non_exhaustive]
        pub enum Code {
            $($code),*
        }

        impl Code {
            /// All codes, in the order of the page that describes them.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// The code as it is printed.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$code => stringify!($code)),*
                }
            }
        }
    };
}

codes! {
    P001 P002 P003 P004 P005 P006 P007 P010 P011 P012
    P013 P014 P015 P020 P021 P022 P023 P024 P025 P026
    P030 P031 P032 P033 P034 P035 P036 P037 P038 P040
    P041 P050 P051 P052 P053 P054 P055 P056 S001 S002 S003
    S004 S010 S011 S012 S013 S014 S015 S016 S017 S020
    S021 S022 S023 S024 S025 S030 S031 S032 S033 S040
    S041 S042 S043 S044 S045 S046 R001 R002 R003 R004
    R005 R006 R010 R011 R012 R013 R014 R015 R016 R020
    R022 R030 R031 R032 R040 R041 R050 R051 R052 R053
    R054 R060 R061 R062 R063 F001 F002 F003 F004 F005
    F006 F007 F008 F009 F010 F011 F020 F021 F022 F023
    F024 F030 F031 F032 F040 F050 L000 L001 L002 L003
    L004 L005 L006 L007 L008 L009 L010 L011 L012
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

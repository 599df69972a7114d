//! What messages look like. The tables are generated and static; everything here is data that the codecs walk.

use crate::ApiError;

/// How much of a name that nobody knows is repeated in the answer.
const OPERATION_NAME_MAX_CHARS: usize = 100;

/// One service: how it is spoken to and what it can be asked.
#[derive(Debug)]
pub struct ServiceSchema {
    /// As the AWS CLI calls it, such as `elbv2`.
    pub name: &'static str,
    /// How it is spoken to, and how the client half does; where it has a target prefix as well, by awsJson and
    /// rpc-v2-cbor too.
    pub protocol: Protocol,
    /// Such as `2014-11-13`.
    pub api_version: &'static str,
    pub service_id: &'static str,
    pub endpoint_prefix: &'static str,
    /// The service's name in a signature's credential scope.
    pub signing_name: &'static str,
    /// Host of a service that has one endpoint for all regions.
    pub global_endpoint: Option<&'static str>,
    /// Before the dot of `X-Amz-Target`; empty for a service that knows no such header.
    pub target_prefix: &'static str,
    /// Such as `1.1`; empty for a service that does not speak awsJson.
    pub json_version: &'static str,
    /// Empty for [`Protocol::Json`].
    pub xml_namespace: &'static str,
    /// Operations that are served, by name, ascending.
    pub operations: &'static [OperationSchema],
    /// Names of the operations that AWS has and Wharf does not serve, ascending.
    pub unserved: &'static [&'static str],
    /// Every shape, by name, ascending.
    pub shapes: &'static [&'static Schema],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Json,
    Query,
    Ec2,
    /// Method and path say which operation it is; bodies are XML.
    RestXml,
    /// The path says which operation it is; bodies are CBOR.
    Cbor,
}

#[derive(Debug)]
pub struct OperationSchema {
    pub name: &'static str,
    pub input: Option<&'static Schema>,
    pub output: Option<&'static Schema>,
    /// Element around the output in an awsQuery answer.
    pub result_wrapper: Option<&'static str>,
    /// Of [`Protocol::RestXml`].
    pub http: Option<Http>,
    /// Root element of an input's XML.
    pub input_element: Option<&'static str>,
    /// What the model says it may answer.
    pub errors: &'static [&'static Schema],
}

/// Where an operation of a REST protocol is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Http {
    pub method: &'static str,
    /// With `{labels}`.
    pub uri: &'static str,
    /// Of success.
    pub status: u16,
}

/// Where a member is, if not in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Uri,
    Query,
    Header,
}

/// What a value looks like.
#[derive(Debug)]
pub struct Schema {
    /// The shape's name in AWS's model.
    pub name: &'static str,
    pub kind: Kind,
    /// Least value of a number, least length of a string (characters), blob (bytes), list or map (entries).
    pub min: Option<i64>,
    pub max: Option<i64>,
    /// A regular expression for the whole string, in Java's dialect.
    pub pattern: Option<&'static str>,
    /// All values of an enumeration; empty for a free string.
    pub values: &'static [&'static str],
    /// A list or map without an element of its own around its entries.
    pub flattened: bool,
    /// Not to be logged.
    pub sensitive: bool,
    pub timestamp: Option<TimestampFormat>,
    pub error: Option<ErrorSchema>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorSchema {
    /// Code on the wire.
    pub code: &'static str,
    pub status: u16,
}

#[derive(Debug)]
pub enum Kind {
    Structure(&'static [Member]),
    List(Member),
    /// Key and value.
    Map(Member, Member),
    String,
    Integer,
    Long,
    Float,
    Double,
    Boolean,
    Blob,
    Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampFormat {
    /// `2026-01-02T03:04:05Z`
    Iso8601,
    /// Seconds since 1970, with a fraction.
    UnixSeconds,
    /// `Fri, 02 Jan 2026 03:04:05 GMT`
    HttpDate,
}

/// A structure's member, a list's element, or a map's key or value.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Empty for an element, a key or a value.
    pub name: &'static str,
    pub schema: &'static Schema,
    pub required: bool,
    /// Its name on the wire, where that is another.
    pub location_name: Option<&'static str>,
    /// Only a REST protocol puts members elsewhere than into the body.
    pub place: Option<Place>,
    /// Its name in an ec2Query request, where that is another.
    pub query_name: Option<&'static str>,
    pub flattened: bool,
    /// A client fills it in when its user did not, so that a retry is recognised.
    pub idempotency_token: bool,
}

impl ServiceSchema {
    /// The served operation of this name.
    pub fn operation(&self, name: &str) -> Option<&'static OperationSchema> {
        let at = self.operations.binary_search_by(|it| it.name.cmp(name)).ok()?;
        self.operations.get(at)
    }

    /// Whether AWS has an operation of this name that Wharf does not serve.
    pub fn is_unserved(&self, name: &str) -> bool {
        self.unserved.binary_search(&name).is_ok()
    }

    /// What an operation answers that is not served, or that AWS does not have either.
    pub fn unknown_operation(&self, name: &str) -> ApiError {
        let message = if self.is_unserved(name) {
            format!(
                "Wharf does not serve the operation {name} of {} yet.",
                self.service_id
            )
        } else {
            let name: String = name.chars().take(OPERATION_NAME_MAX_CHARS).collect();
            format!("There is no operation {name} in {}.", self.service_id)
        };
        match self.protocol {
            Protocol::Json => ApiError::client("UnknownOperationException", message),
            Protocol::Query | Protocol::Ec2 | Protocol::RestXml | Protocol::Cbor => {
                ApiError::client("InvalidAction", message)
            }
        }
    }

    pub fn shape(&self, name: &str) -> Option<&'static Schema> {
        let at = self.shapes.binary_search_by(|it| it.name.cmp(name)).ok()?;
        self.shapes.get(at).copied()
    }

    /// The error shape that has this code on the wire.
    pub fn error(&self, code: &str) -> Option<&'static Schema> {
        self.shapes
            .iter()
            .copied()
            .find(|it| it.error.is_some_and(|error| error.code == code))
    }
}

impl Schema {
    const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            min: None,
            max: None,
            pattern: None,
            values: &[],
            flattened: false,
            sensitive: false,
            timestamp: None,
            error: None,
        }
    }

    pub const fn structure(name: &'static str, members: &'static [Member]) -> Self {
        Self::new(name, Kind::Structure(members))
    }

    pub const fn list(name: &'static str, element: Member) -> Self {
        Self::new(name, Kind::List(element))
    }

    pub const fn map(name: &'static str, key: Member, value: Member) -> Self {
        Self::new(name, Kind::Map(key, value))
    }

    pub const fn string(name: &'static str) -> Self {
        Self::new(name, Kind::String)
    }

    pub const fn enumeration(name: &'static str, values: &'static [&'static str]) -> Self {
        Self {
            values,
            ..Self::new(name, Kind::String)
        }
    }

    pub const fn integer(name: &'static str) -> Self {
        Self::new(name, Kind::Integer)
    }

    pub const fn long(name: &'static str) -> Self {
        Self::new(name, Kind::Long)
    }

    pub const fn float(name: &'static str) -> Self {
        Self::new(name, Kind::Float)
    }

    pub const fn double(name: &'static str) -> Self {
        Self::new(name, Kind::Double)
    }

    pub const fn boolean(name: &'static str) -> Self {
        Self::new(name, Kind::Boolean)
    }

    pub const fn blob(name: &'static str) -> Self {
        Self::new(name, Kind::Blob)
    }

    pub const fn timestamp(name: &'static str) -> Self {
        Self::new(name, Kind::Timestamp)
    }

    #[must_use]
    pub const fn min(mut self, min: i64) -> Self {
        self.min = Some(min);
        self
    }

    #[must_use]
    pub const fn max(mut self, max: i64) -> Self {
        self.max = Some(max);
        self
    }

    #[must_use]
    pub const fn pattern(mut self, pattern: &'static str) -> Self {
        self.pattern = Some(pattern);
        self
    }

    #[must_use]
    pub const fn flattened(mut self) -> Self {
        self.flattened = true;
        self
    }

    #[must_use]
    pub const fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    #[must_use]
    pub const fn format(mut self, format: TimestampFormat) -> Self {
        self.timestamp = Some(format);
        self
    }

    #[must_use]
    pub const fn error(mut self, code: &'static str, status: u16) -> Self {
        self.error = Some(ErrorSchema { code, status });
        self
    }

    /// A structure's members; none for anything else.
    pub fn members(&self) -> &'static [Member] {
        match self.kind {
            Kind::Structure(members) => members,
            _ => &[],
        }
    }

    pub fn member(&self, name: &str) -> Option<&'static Member> {
        self.members().iter().find(|it| it.name == name)
    }
}

impl Member {
    pub const fn new(name: &'static str, schema: &'static Schema) -> Self {
        Self {
            name,
            schema,
            required: false,
            location_name: None,
            place: None,
            query_name: None,
            flattened: false,
            idempotency_token: false,
        }
    }

    /// A list's element, a map's key or value.
    pub const fn element(schema: &'static Schema) -> Self {
        Self::new("", schema)
    }

    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    #[must_use]
    pub const fn located(mut self, name: &'static str) -> Self {
        self.location_name = Some(name);
        self
    }

    #[must_use]
    pub const fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    #[must_use]
    pub const fn queried(mut self, name: &'static str) -> Self {
        self.query_name = Some(name);
        self
    }

    #[must_use]
    pub const fn flattened(mut self) -> Self {
        self.flattened = true;
        self
    }

    #[must_use]
    pub const fn idempotency_token(mut self) -> Self {
        self.idempotency_token = true;
        self
    }
}

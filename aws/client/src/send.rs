//! One operation over HTTP.

use std::sync::Arc;
use std::time::SystemTime;

use aws_protocol::client::{decode_response, encode_request};
use aws_protocol::{ApiError, Context, Fields, OperationSchema, ServiceSchema, Shaped, Value};
use base_clock::Clock;
use base_id::{IdSource, Scope};
use http::{HeaderValue, header};

use crate::endpoint::{Endpoint, Endpoints};
use crate::retry;
use crate::sign::{CachedCredentials, add_signature};
use crate::transport::Transport;

/// Code of the error when a service did not answer at all.
pub const UNREACHABLE: &str = "EndpointUnreachable";

const USER_AGENT: &str = concat!("wharf/", env!("CARGO_PKG_VERSION"));

/// Every service's trait over HTTP; cheap to clone.
///
/// The region is the configured one: a context's scope is not sent.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    transport: Transport,
    endpoints: Endpoints,
    credentials: CachedCredentials,
    region: String,
    /// How often a request is sent at most.
    attempts: u32,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

impl Client {
    pub(crate) fn new(
        transport: Transport,
        endpoints: Endpoints,
        credentials: CachedCredentials,
        region: String,
        attempts: u32,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                transport,
                endpoints,
                credentials,
                region,
                attempts,
                clock,
                ids,
            }),
        }
    }

    /// The region that is spoken to.
    pub fn region(&self) -> &str {
        &self.inner.region
    }

    /// Where a service is, such as `https://ecs.eu-west-3.amazonaws.com/`.
    pub fn endpoint(&self, service: &ServiceSchema) -> Option<String> {
        self.inner.endpoints.of(service).map(|it| it.uri.to_string())
    }

    /// A context for calls through the traits; a client needs nothing of it.
    pub fn context(&self) -> Context {
        Context {
            scope: Scope::new("", &self.inner.region),
            request_id: String::new(),
            principal_arn: String::new(),
            access_key: String::new(),
        }
    }

    pub(crate) async fn call<I: Shaped, O: Shaped>(
        &self,
        service: &'static ServiceSchema,
        operation: &'static str,
        _: &Context,
        input: I,
    ) -> Result<O, ApiError> {
        let schema = service
            .operation(operation)
            .ok_or_else(|| service.unknown_operation(operation))?;
        let input = self.with_token(schema, input.write());
        let mut attempt = 0;
        loop {
            let error = match self.attempt(service, schema, &input).await {
                Ok(output) => return O::read(output).map_err(unreadable),
                Err(error) => error,
            };
            attempt += 1;
            if attempt >= self.inner.attempts || !retry::may_pass(&error) {
                return Err(error);
            }
            let wait = retry::wait(attempt - 1, rand::random());
            tracing::debug!(service = service.name, operation, %error, ?wait, "trying again");
            self.inner.clock.sleep(wait).await;
        }
    }

    /// Fills in the tokens by which a service recognises a request that comes twice.
    fn with_token(&self, operation: &OperationSchema, input: Value) -> Value {
        let (Value::Structure(mut fields), Some(schema)) = (input, operation.input) else {
            return Value::Structure(Fields::new());
        };
        for member in schema.members().iter().filter(|it| it.idempotency_token) {
            if fields.get(member.name).is_none() {
                fields.put(member.name, self.inner.ids.hex(32));
            }
        }
        Value::Structure(fields)
    }

    async fn attempt(
        &self,
        service: &'static ServiceSchema,
        operation: &'static OperationSchema,
        input: &Value,
    ) -> Result<Value, ApiError> {
        let Inner {
            transport,
            endpoints,
            credentials,
            clock,
            ..
        } = &*self.inner;
        let endpoint = endpoints
            .of(service)
            .ok_or_else(|| ApiError::internal("a service without an endpoint"))?;
        let now = SystemTime::from(clock.now());
        let mut request = prepare(service, operation, endpoint, input)?;
        add_signature(
            &mut request,
            credentials.get(now).await?,
            &endpoint.region,
            service.signing_name,
            now,
        )?;
        let answer = transport
            .send(request, endpoint.is_local)
            .await
            .map_err(|cause| {
                ApiError::with_status(
                    503,
                    UNREACHABLE,
                    format!("{} did not answer: {cause}", endpoint.uri),
                )
            })?;
        let (request_id, error_type) = (answer.request_id.as_deref(), answer.error_type.as_deref());
        decode_response(
            service,
            operation,
            answer.status,
            request_id,
            error_type,
            &answer.body,
        )
    }
}

fn prepare(
    service: &ServiceSchema,
    operation: &OperationSchema,
    endpoint: &Endpoint,
    input: &Value,
) -> Result<http::Request<Vec<u8>>, ApiError> {
    let encoded = encode_request(service, operation, input);
    let mut request = http::Request::new(encoded.body);
    *request.method_mut() = encoded.method.parse().map_err(ApiError::internal)?;
    *request.uri_mut() = endpoint.at(&encoded.path)?;
    let headers = request.headers_mut();
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    for (name, value) in encoded.headers {
        headers.insert(name, HeaderValue::from_str(&value).map_err(ApiError::internal)?);
    }
    Ok(request)
}

fn unreadable(cause: aws_protocol::Mismatch) -> ApiError {
    ApiError::with_status(
        502,
        aws_protocol::client::UNREADABLE,
        format!("The answer does not fit: {cause}"),
    )
}

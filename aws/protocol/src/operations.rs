//! How a service says which operations it serves: one line each.

/// Implements a generated `Api` trait: every operation is handed to the function of the same name in the module of its
/// noun.
///
/// ```text
/// operations! { Ec2 as Api:
///     create_vpc(CreateVpcRequest) -> CreateVpcResult = vpc;
/// }
/// ```
#[macro_export]
macro_rules! operations {
    ($service:ty as $api:path: $($name:ident($input:ty) -> $output:ty = $noun:ident;)*) => {
        #[::async_trait::async_trait]
        impl $api for $service {
            $(async fn $name(
                &self,
                context: &$crate::Context,
                input: $input,
            ) -> ::std::result::Result<$output, $crate::ApiError> {
                $noun::$name(self, context, input).await
            })*
        }
    };
}

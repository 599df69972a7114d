//! The operations, one line each; the nouns' files say what happens.

mod certificate;
mod describe;
mod import;
mod list;
mod request;
mod tag;

use aws_protocol::operations;
use aws_shape::acm::*;

use crate::Acm;

operations! { Acm as Api:
    request_certificate(RequestCertificateRequest) -> RequestCertificateResponse = request;
    import_certificate(ImportCertificateRequest) -> ImportCertificateResponse = import;
    describe_certificate(DescribeCertificateRequest) -> DescribeCertificateResponse = describe;
    list_certificates(ListCertificatesRequest) -> ListCertificatesResponse = list;
    get_certificate(GetCertificateRequest) -> GetCertificateResponse = certificate;
    delete_certificate(DeleteCertificateRequest) -> () = certificate;
    list_tags_for_certificate(ListTagsForCertificateRequest) -> ListTagsForCertificateResponse = tag;
    add_tags_to_certificate(AddTagsToCertificateRequest) -> () = tag;
    remove_tags_from_certificate(RemoveTagsFromCertificateRequest) -> () = tag;
}

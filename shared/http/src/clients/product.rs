//! Products over HTTP.

use async_trait::async_trait;
use axum::http::{Method, StatusCode};
use bothways_domain::{
    Caller, Result,
    id::{PictureId, ProductId},
    import::{Change, ImportLine, ImportReport},
    product::{Images, Product, ProductApi, ProductDraft, ProductView},
};

use super::{
    Remote,
    import::{Import, merge},
    remote::{LONG_TIMEOUT, optional},
};
use crate::{
    header,
    internal::{IdList, NewPicture, PictureSet},
    product::{ProductList, import_line},
};

/// Products as another process runs them.
#[derive(Debug, Clone)]
pub struct ProductClient(Remote);

impl ProductClient {
    /// Products at `remote`.
    pub fn new(remote: Remote) -> Self {
        Self(remote)
    }
}

#[async_trait]
impl ProductApi for ProductClient {
    async fn view(&self, id: &ProductId) -> Result<Option<ProductView>> {
        let read = async {
            let call = self.0.get(&["api", "products", id.as_str()])?;
            call.send().await?.json()
        };
        optional(read.await)
    }

    async fn views(&self, ids: &[ProductId]) -> Result<Vec<ProductView>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = ids.iter().map(ProductId::as_str).collect();
        let call = self.0.get(&["api", "products"])?;
        let call = call.query(&[("ids", ids.join(","))]);
        let list: ProductList = call.send().await?.json()?;
        Ok(list.products)
    }

    async fn records(&self, ids: &[ProductId]) -> Result<Vec<Product>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let call = self.0.internal(Method::POST, "products/records")?.reading();
        let list = IdList { ids: ids.to_vec() };
        call.json(&list).send().await?.json()
    }

    async fn catalogue(&self, after: Option<&ProductId>, limit: u32) -> Result<Vec<Product>> {
        let call = self.0.internal(Method::GET, "products/catalogue")?;
        let mut pairs = vec![("limit", limit.to_string())];
        pairs.extend(after.map(|id| ("after", id.to_string())));
        let call = call.query(&pairs).timeout(LONG_TIMEOUT);
        call.send().await?.json()
    }

    async fn put(
        &self,
        caller: &Caller,
        id: &ProductId,
        draft: ProductDraft,
    ) -> Result<(Change, ProductView)> {
        let call = self
            .0
            .call(Method::PUT, &["api", "products", id.as_str()])?;
        let reply = call.caller(caller).json(&draft).send().await?;
        // The contract tells creating from replacing; whether replacing changed anything stays there.
        let change = if reply.status() == StatusCode::CREATED {
            Change::Created
        } else {
            Change::Updated
        };
        Ok((change, reply.json()?))
    }

    async fn delete(&self, caller: &Caller, id: &ProductId) -> Result<()> {
        let call = self
            .0
            .call(Method::DELETE, &["api", "products", id.as_str()])?;
        call.caller(caller).repeatable().send().await.map(|_| ())
    }

    async fn set_picture(
        &self,
        id: &ProductId,
        picture: &PictureId,
        images: Images,
    ) -> Result<bool> {
        let new = NewPicture {
            product_id: id.clone(),
            picture_id: picture.clone(),
            images,
        };
        let call = self.0.internal(Method::PUT, "products/picture")?;
        let answer: PictureSet = call.json(&new).send().await?.json()?;
        Ok(answer.is_set)
    }

    async fn import(
        &self,
        caller: &Caller,
        lines: Vec<ImportLine<(ProductId, ProductDraft)>>,
    ) -> Result<ImportReport> {
        let Import { body, rejected } = Import::of(lines, |(id, draft)| import_line(id, draft))?;
        let call = self.0.post(&["api", "products", "import"])?;
        let call = call.caller(caller).body(header::NDJSON, body);
        let report = call.timeout(LONG_TIMEOUT).send().await?.json()?;
        Ok(merge(report, rejected))
    }
}

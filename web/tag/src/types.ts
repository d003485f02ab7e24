// What a person may allow. `necessary` needs no asking.
export type Purpose = 'necessary' | 'analytics' | 'personalisation' | 'marketing';
export type Consent = Partial<Record<Purpose, boolean>>;

export type Properties = Record<string, unknown>;

export interface Product {
  product_id: string;
  sku?: string;
  name?: string;
  brand?: string;
  category?: string;
  variant?: string;
  price?: number;
  quantity?: number;
  currency?: string;
  coupon?: string;
  position?: number;
  url?: string;
  image_url?: string;
  [property: string]: unknown;
}

export interface Cart {
  cart_id?: string;
  currency?: string;
  products: Product[];
  [property: string]: unknown;
}

export interface Order {
  order_id: string;
  checkout_id?: string;
  currency: string;
  products: Product[];
  total?: number;
  revenue?: number;
  subtotal?: number;
  tax?: number;
  shipping?: number;
  discount?: number;
  coupon?: string;
  affiliation?: string;
  [property: string]: unknown;
}

export interface Recommendation {
  product_id: string;
  score: number;
  source: string;
  name: string | null;
  category: string | null;
  price: { amount: string; currency: string } | null;
  available: number | null;
}

export interface Options {
  // Of the source that these events belong to.
  writeKey: string;
  // Where Millrace is, such as https://events.shop.example; the page's own origin unless told.
  host?: string;
  // What was decided before this page. Without it nothing leaves, and nothing is stored, until consent() is called.
  consent?: Consent;
  // Without consent to analytics, send events under an id that ends with the page, and store nothing.
  anonymous?: boolean;
  // Turn what Google Tag Manager and gtag push into events: true, or the name of the array.
  dataLayer?: boolean | string;
  // Call page() now, and when the page changes its address without loading.
  pages?: boolean;
}

export interface Tag {
  page(name?: string, properties?: Properties): void;
  track(event: string, properties?: Properties): void;
  identify(userId: string, traits?: Properties): void;
  // The person has signed out: what follows is somebody else's.
  reset(): void;

  search(query: string, properties?: Properties): void;
  productList(products: Product[], properties?: { list_id?: string; category?: string } & Properties): void;
  productClick(product: Product): void;
  product(product: Product): void;
  addToCart(product: Product, cartId?: string): void;
  removeFromCart(product: Product, cartId?: string): void;
  cart(cart: Cart): void;
  checkout(checkout: Partial<Order>): void;
  checkoutStep(step: number | string, properties?: Properties): void;
  payment(properties?: Properties): void;
  order(order: Order): void;
  refund(refund: Partial<Order> & { order_id: string }): void;

  // What a person allows from now on; purposes that are not named stay as they are. Denying analytics removes all that
  // was stored, the id cookie included.
  consent(consent: Consent): void;

  // What goes with the visitor's session, or with `items` (product ids, oldest first). Empty when there is no answer.
  recommend(question?: { items?: string[]; n?: number }): Promise<Recommendation[]>;
  // The server's offer for this visitor, or null: none is due, or the server makes none.
  offer<T = Properties>(question?: Record<string, string | number>): Promise<T | null>;

  // Resolves once what can be sent now was sent.
  flush(): Promise<void>;
}

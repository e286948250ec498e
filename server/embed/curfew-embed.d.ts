/** Shows Tableau views in a page of yours without a sign-in frame. How to begin: docs/embed.md of Curfew. */

/** What went wrong. Another word is one of a newer broker: its `text` says only that something is wrong. */
export type EmbedErrorCode =
  /** The app's sign-in is over or was never there. */
  | 'unauthorized'
  | 'replayed'
  /** Signed out at the app, in this or another tab, or ended in Curfew: only a new sign-in at the app helps. */
  | 'signed_out'
  /** The sign-in at the app is older than the broker's `max_age_s`: nothing is extended any more. */
  | 'too_old'
  | 'site_not_allowed'
  | 'user_not_allowed'
  | 'too_many_requests'
  /** Tableau answered `-1`: the row on the Tickets page says the likely causes. */
  | 'refused'
  /** Tableau answered with a page instead of a ticket. */
  | 'html'
  | 'unreachable'
  /** The broker itself is in trouble. */
  | 'unavailable'
  | 'odd'
  | 'not_configured'
  /** The app or the broker gave no answer. */
  | 'offline'
  /** Tableau took the ticket, but its picture didn't come: the ticket was used or too old, or the view isn't there. */
  | 'not_redeemed'
  /** The browser doesn't send Tableau's cookie within this page. */
  | 'cookies_blocked'
  /** Two sites on one page: a browser holds one Tableau session. */
  | 'two_sites'
  /** Another tab of this browser signed in as somebody else, or at another site. */
  | 'replaced';

export declare class EmbedError extends Error {
  constructor(code?: EmbedErrorCode | (string & {}), reference?: string);
  readonly code: EmbedErrorCode | (string & {});
  /** Finds the row on the Tickets page of Curfew; absent where no ticket was asked for. */
  readonly reference?: string;
  /** A sentence for the person, with the reference. */
  readonly text: string;
}

/** A trusted ticket, as the broker answers. */
export interface TicketAnswer {
  grant: 'ticket';
  reference?: string;
  /** `https://<tableau>/trusted/<ticket>/…/Login.png`; good once. */
  redeem_url: string;
  /** How long the session may be taken as good once redeemed, seconds. */
  fresh_s: number;
  /** How long the session may be extended after the sign-in at the app, seconds. */
  max_age_s: number;
}

/** A token of a connected app for Embedding API v3, as the broker answers. */
export interface TokenAnswer {
  grant: 'jwt';
  reference?: string;
  token: string;
  expires_at: string;
}

export type Answer = TicketAnswer | TokenAnswer;

export interface EmbedOptions {
  /** Who is signed in to your app. Stays in the browser, as a part of a hash. */
  user: string;
  /** The site's contentUrl as in Tableau's addresses; default: the Default site. */
  site?: string;
  /** Where your reverse proxy hands on to the broker. Default: `/broker/v1/browser/tickets`. */
  path?: string;
  /** Name of the entry in localStorage and of a lock. Default: `embed`. Each Tableau Server needs its own. */
  key?: string;
  /** Asks your own endpoint instead; may throw an `EmbedError`. */
  getTicket?: (site: string) => Promise<Response | Answer>;
  /**
   * Takes the token of a connected app: one for each `load`, for that element and address. With this, nothing is redeemed or
   * kept, and a trusted ticket is an error.
   */
  onToken?: (answer: TokenAnswer, element?: HTMLElement, address?: string) => void;
  /** What went wrong while the page was open. After all but the passing codes nothing is extended until `establish` or `load`. */
  onError?: (error: EmbedError) => void;
}

export interface Embed {
  /** Makes sure of a session without showing anything: for the first page after sign-in. Rejects with an `EmbedError`. */
  establish(): Promise<void>;
  /**
   * Makes sure of a session, then shows a view: its whole address, `https://<tableau>/t/<site>/views/<workbook>/<view>`.
   * Any number of views share one ticket. Rejects with an `EmbedError`.
   */
  load(element: HTMLIFrameElement | HTMLElement, address: string): Promise<void>;
  /** No more extending, and the page may show another site: for apps that change pages without loading one. */
  stop(): void;
}

export declare function embed(options: EmbedOptions): Embed;

/** Forgets the session: call it at sign-in and at sign-out. Open tabs notice. */
export declare function clear(key?: string): void;

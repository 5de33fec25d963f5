/** What Curator touches of ComfyUI's client. */

export const api: EventTarget & {
  apiURL(route: string): string;
};

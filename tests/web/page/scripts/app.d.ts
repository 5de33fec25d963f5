/** What Curator touches of ComfyUI's page, by hand: the published types lag behind and are large. */

export interface Widget {
  name: string;
  value: unknown;
  options?: { values?: string[] | ((widget: Widget, node: GraphNode) => string[]) };
  callback?(value: unknown): void;
}

export interface GraphNode {
  id: number | string;
  type?: string;
  comfyClass?: string;
  title?: string;
  pos: [number, number];
  size: [number, number];
  widgets?: Widget[];
}

export interface Canvas {
  canvas: HTMLCanvasElement;
  ds: { scale: number; offset: [number, number] };
  graph: { add(node: GraphNode): void; nodes?: GraphNode[] };
  selected_nodes?: Record<string, GraphNode>;
  deselectAll?(): void;
  select?(node: GraphNode): void;
  emitBeforeChange?(): void;
  emitAfterChange?(): void;
  setDirty(foreground: boolean, background: boolean): void;
}

export interface SidebarTab {
  id: string;
  icon: string;
  title: string;
  tooltip: string;
  type: "custom";
  render(place: HTMLElement): void;
  destroy(): void;
}

export const app: {
  canvas: Canvas;
  handleFile(file: File): Promise<void>;
  extensionManager: { registerSidebarTab(tab: SidebarTab): void };
  registerExtension(extension: { name: string; setup(): void }): void;
};

declare global {
  interface Window {
    LiteGraph: { createNode(type: string): GraphNode | null };
  }
}

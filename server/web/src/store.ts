export interface Store {
  /** The value; null or undefined if there is none, or it is not JSON. */
  read(name: string): any;
  write(name: string, value: unknown): void;
  remove(name: string): void;
  /** Every name that begins so, without its beginning, sorted. */
  names(beginning: string): string[];
  /** Forgets what only memory holds: another tab has replaced the draft that it belongs to. */
  forget(): void;
}

/**
 * JSON values by name, each under a key of its own, so that two tabs that write different names never overwrite each other.
 * Values that the storage refuses (it is full, or blocked) stay in memory, as long as the page lives.
 */
export function createStore(prefix: string, storage: Storage | undefined, onError: (error: unknown) => void): Store {
  let memory: Record<string, string> = {};
  return {
    read: (name) => {
      try {
        return JSON.parse(memory[prefix + name] ?? storage!.getItem(prefix + name)!);
      } catch {
        return undefined;
      }
    },
    write: (name, value) => {
      memory[prefix + name] = JSON.stringify(value);
      if (!storage) return;
      try {
        storage.setItem(prefix + name, memory[prefix + name]!);
        delete memory[prefix + name];
      } catch (error) {
        onError(error);
      }
    },
    remove: (name) => {
      delete memory[prefix + name];
      storage?.removeItem(prefix + name);
    },
    names: (beginning) => {
      const own = Object.keys({ ...storage, ...memory }).filter((key) => key.startsWith(prefix + beginning));
      return own.map((key) => key.slice((prefix + beginning).length)).sort();
    },
    forget: () => {
      memory = {};
    },
  };
}

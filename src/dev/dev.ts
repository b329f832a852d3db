/** Several services that are run together while they are written: what a project says of each. */

export interface ServicePlan {
  /** Unique in the project. */
  readonly name: string;
  /** A handler module, as one would write it in `cwd`. Absent: there is a `command`. */
  readonly module?: string;
  /** The words of any other program. */
  readonly command?: readonly string[];
  /** What the service is told to be called. Absent: its module says it. */
  readonly serverName?: string;
  /** Absolute. */
  readonly cwd: string;
  /** 0: any free one. Absent: it takes no calls. */
  readonly port?: number;
  readonly env: Readonly<Record<string, string>>;
  /** Of `microrun run`: `--drain_timeout=1s`. */
  readonly flags: readonly string[];
  /** The module's own. */
  readonly args: readonly string[];
  /** Names of those that must be ready before it starts. */
  readonly dependsOn: readonly string[];
  readonly replicas: number;
  /** Absolute paths of files and folders whose change restarts it; a module's imports need not be named. */
  readonly watch: readonly string[];
}

export interface Project {
  /** Absolute. */
  readonly folder: string;
  /** How they find each other. @default what was asked */
  readonly registry?: string;
  readonly services: readonly ServicePlan[];
  /** Modules that are there and are not taken. */
  readonly skipped: readonly Skipped[];
  /** Absolute paths of files and folders whose change means that the project is to be read again. */
  readonly sources: readonly string[];
}

export interface Skipped {
  /** As one would write it in the project's folder. */
  readonly file: string;
  readonly why: string;
}

/** One process that is to run: a service has as many as replicas. */
export interface Instance {
  /** The service's name, with the number of the replica where there are several: `greeter#2`. */
  readonly label: string;
  readonly plan: ServicePlan;
  /** Labels of the instances that must be ready before it starts. */
  readonly after: readonly string[];
  /** As asked; 0: any free one. */
  readonly port: number | undefined;
  /** Ports of their own that its flags name, on loopback. */
  readonly own?: OwnPorts;
}

export interface OwnPorts {
  /** JSON, web and health are there, and not on its `port`. */
  readonly http?: number;
  readonly grpc?: number;
}

/** What the text of a module says about it, without running it. */
export interface ModuleText {
  /** What it calls itself, if it says so by a literal. */
  readonly name?: string;
  /** It is called once, and opens no port by itself. */
  readonly isFunction: boolean;
  /** It exports something that can be served or run. */
  readonly isServable: boolean;
}

export type ReadModuleText = (text: string) => ModuleText;

/**
 * Element Plus declares some props in a way that exactOptionalPropertyTypes cannot read:
 * a text given to such a prop is refused. Those components are used without the types
 * of their props.
 */
export type Loose = new () => {
  $props: Record<string, any>
  $slots: Record<string, (props: any) => unknown>
}

export const loose = (component: unknown): Loose => component as Loose

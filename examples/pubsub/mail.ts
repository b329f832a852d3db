/** Writes a mail for each order: of several instances one. */
interface Order {
  readonly id: number;
  readonly item: string;
}

export const subscribe = {
  "orders.created": ({ id, item }: Order): void => console.log(`mail: order ${id}, ${item}`),
};

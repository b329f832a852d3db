/** Takes orders, and tells all who care that it has. */
import type { Context } from "microrun";

let last = 0;

export default {
  Orders: {
    Create: async ({ item }: { item: string }, { broker }: Context) => {
      const order = { id: ++last, item };
      await broker.publish("orders.created", order);
      return order;
    },
  },
};

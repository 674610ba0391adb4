/** socket.io-client 4.0 has types that its `exports` hide; its API is the current one's. */
declare module "socket.io-client-4-0" {
  export { io } from "socket.io-client";
}

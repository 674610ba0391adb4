/** The script of the worker that holds one connection for all tabs of the page. */
import "@broadtape/client/shared-worker";

import { flushSync } from 'react-dom';
import { createRoot } from 'react-dom/client';
import { expect, test } from 'vitest';
import { Unsupported } from './Unsupported';

test('a page of another machine says to forward the port that it came from', () => {
  const place = document.createElement('div');
  const root = createRoot(place);
  flushSync(() => root.render(<Unsupported problem={{ code: 'browser.insecure', message: 'not secure' }} />));
  expect(place.textContent).toContain(`ssh -L ${location.port}:localhost:${location.port} that-machine`);
  root.unmount();
});

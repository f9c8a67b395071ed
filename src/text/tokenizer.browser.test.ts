import { expect, it } from 'vitest';
import { createTokenizer } from './tokenizer';

async function fetchJson(path: string): Promise<unknown> {
  return (await fetch(path)).json();
}

it('gives the same ids in the browser as in Python, where the library is another build', async () => {
  const tokenizer = await createTokenizer({
    tokenizerJson: await fetchJson('/demo/model/tokenizer.json'),
    tokenizerConfig: await fetchJson('/demo/model/tokenizer_config.json'),
  });
  const text = "It\u017f 12'LL\n\n  \u0085\ufeff<|image_pad|>";
  const ids = [40, 83, 129, 123, 220, 16, 17, 6, 43, 43, 198, 198, 220, 220, 126, 227, 171, 119, 123, 513];
  expect(tokenizer.encode(text)).toEqual(ids);
  expect(tokenizer.decode(ids, { skipSpecialTokens: false })).toBe(text);
});

// Splits a completion for display: tags with and without partner, thought, answer, and text outside both. Pure.
// It only colours text; whether a completion is in form is the reward's decision.

export type PartKind = 'thoughtTag' | 'answerTag' | 'brokenTag' | 'thought' | 'answer' | 'outside' | 'space';

export interface Part {
  kind: PartKind;
  text: string;
}

interface Tag {
  name: 'thought' | 'answer';
  closing: boolean;
  start: number;
  end: number;
  paired: boolean;
}

const TAG = /<(\/?)(thought|answer)>/gi;

/** The parts in order; joined they give the text again. */
export function splitCompletion(text: string): Part[] {
  const tags = findTags(text);
  const parts: Part[] = [];
  let at = 0;
  let inside: Tag['name'] | null = null;
  const pushText = (end: number): void => {
    if (end <= at) return;
    const piece = text.slice(at, end);
    parts.push({ kind: piece.trim() === '' ? 'space' : (inside ?? 'outside'), text: piece });
  };
  for (const tag of tags) {
    pushText(tag.start);
    parts.push({ kind: tag.paired ? `${tag.name}Tag` : 'brokenTag', text: text.slice(tag.start, tag.end) });
    at = tag.end;
    inside = tag.closing ? null : tag.name;
  }
  pushText(text.length);
  return parts;
}

function findTags(text: string): Tag[] {
  const tags: Tag[] = [...text.matchAll(TAG)].map((match) => ({
    name: match[2]!.toLowerCase() as Tag['name'],
    closing: match[1] === '/',
    start: match.index,
    end: match.index + match[0].length,
    paired: false,
  }));
  // The first opening tag pairs with the next closing one, as a lazy pattern would match.
  for (const name of ['thought', 'answer'] as const) {
    let open: Tag | null = null;
    for (const tag of tags) {
      if (tag.name !== name) continue;
      if (!tag.closing) open ??= tag;
      else if (open) {
        open.paired = true;
        tag.paired = true;
        open = null;
      }
    }
  }
  return tags;
}

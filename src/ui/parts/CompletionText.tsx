// A completion as text with its tags as chips. Everything is text: markup in a completion stays visible characters.

import { memo } from 'react';
import { splitCompletion } from './tags';

/** Shows a completion; an empty one says so. */
export const CompletionText = memo(function CompletionText({ text }: { text: string }): React.JSX.Element {
  if (text.trim() === '') return <p className="completion none">no text</p>;
  return (
    <p className="completion">
      {splitCompletion(text).map((part, i) =>
        part.kind === 'space' ? (
          ' '
        ) : (
          <span
            key={i}
            className={part.kind}
            title={part.kind === 'brokenTag' ? 'a tag without its partner' : undefined}
          >
            {part.text}
          </span>
        ),
      )}
    </p>
  );
});

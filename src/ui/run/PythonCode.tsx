// A few lines of Python with keywords and strings coloured. Not a parser: it only knows the lines we write.

const TOKEN = /("[^"]*")|\b(from|import|as)\b/g;

/** Shows Python as a block of code. */
export function PythonCode({ code }: { code: string }): React.JSX.Element {
  const parts: React.ReactNode[] = [];
  let at = 0;
  for (const match of code.matchAll(TOKEN)) {
    parts.push(code.slice(at, match.index));
    parts.push(
      <span key={match.index} className={match[1] ? 'string' : 'keyword'}>
        {match[0]}
      </span>,
    );
    at = match.index + match[0].length;
  }
  parts.push(code.slice(at));
  return (
    <pre className="python" tabIndex={0} aria-label="Python that loads the adapter">
      {parts}
    </pre>
  );
}

// The frame of a setup card: number, name, one line that says its state, chip, content.

import { Icon, Ring } from '../parts/Icon';

export type CardState =
  { kind: 'empty' } | { kind: 'checking'; share: number | null } | { kind: 'ready' } | { kind: 'problem' };

export interface SetupCardProps {
  number: number;
  title: string;
  line: string;
  state: CardState;
  children?: React.ReactNode;
}

/** A card of the Setup place. The line is a live region: it says what changes. */
export function SetupCard({ number, title, line, state, children }: SetupCardProps): React.JSX.Element {
  return (
    <section className={`card setupCard ${state.kind}`} aria-labelledby={`card${number}`}>
      <header>
        <span className="cardNumber" aria-hidden="true">
          {number}
        </span>
        <h2 className="heading" id={`card${number}`}>
          {title}
        </h2>
        <p className="cardLine" role="status">
          {line}
        </p>
        <StateChip state={state} />
      </header>
      <div className="cardBody">{children}</div>
    </section>
  );
}

function StateChip({ state }: { state: CardState }): React.JSX.Element {
  switch (state.kind) {
    case 'empty':
      return (
        <span className="chip">
          <Ring kind="dashed" /> Empty
        </span>
      );
    case 'checking':
      return (
        <span className="chip">
          <span className="rise">
            <Ring kind="part" share={state.share ?? 0} />
          </span>
          Checking
        </span>
      );
    case 'ready':
      return (
        <span className="chip good">
          <Icon name="check" /> Ready
        </span>
      );
    case 'problem':
      return (
        <span className="chip problem">
          <Icon name="warning" /> Problem
        </span>
      );
  }
}

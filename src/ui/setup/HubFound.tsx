// A model of the hub that was looked up: what it is, its terms, and where it may be downloaded to.

import { useEffect, useState } from 'react';
import { canPickFolder } from '../../base/folderAccess';
import type { HubModel, StoredModelView } from '../../base/hubModel';
import { lackOfRoom } from '../../storage/modelStore';
import { bytesText, plural } from '../format';
import { fetchIntoFolder, fetchModel } from '../hubActions';
import { Icon } from '../parts/Icon';
import { ProblemText } from '../parts/ProblemText';
import { useAttempt } from '../parts/useAttempt';
import { storedView, useHub } from '../store/hub';
import { chooseStored } from '../store/settings';

function Licence({ model: { licence } }: { model: HubModel }): React.JSX.Element {
  if (!licence) return <>none named by the model card</>;
  if (!licence.link) return <>{licence.name}</>;
  return (
    <a href={licence.link} target="_blank" rel="noreferrer noopener">
      {licence.name}
    </a>
  );
}

/** What a licence's name itself says of its terms; the page judges no further. */
function termsNote({ licence }: HubModel): string | null {
  const name = licence?.name ?? '';
  if (/^(apache-2\.0|mit|bsd)/i.test(name)) return null;
  const limited = /research|non-?commercial|(^|-)nc(-|$)/i.test(name) ? ', non-commercial' : '';
  return `${limited}: read its terms before you use the model or an adapter of it.`;
}

type Lack = Awaited<ReturnType<typeof lackOfRoom>>;

/** What this browser's storage lacks for the model; null while that is not known, or where there is room. */
function useLack(model: HubModel, arrived: number): Lack {
  const [lack, setLack] = useState<Lack>(null);
  useEffect(() => {
    let gone = false;
    // Where it cannot be asked, the download itself says what is wrong.
    lackOfRoom(model).then(
      (found) => !gone && setLack(found),
      () => undefined,
    );
    return () => {
      gone = true;
    };
  }, [model, arrived]);
  return lack;
}

/** The way into a folder on disk; where the browser cannot pick one, the command that does the same. */
export function IntoFolder({ model, quiet }: { model: HubModel; quiet: boolean }): React.JSX.Element | null {
  const [problem, attempt] = useAttempt();
  if (!canPickFolder()) {
    if (quiet) return null;
    return (
      <p className="note">
        Into a folder, in a terminal:{' '}
        <code>
          hf download {model.id} --revision {model.commit} --local-dir model
        </code>
        . Then choose it under “From a folder”.
      </p>
    );
  }
  const largest = Math.max(...model.files.map(({ bytes }) => bytes));
  return (
    <>
      <button
        id="hub-fetch-folder"
        type="button"
        className={quiet ? 'button quiet' : 'button'}
        title={`Under the files’ own names, in a folder of the model’s name, for this page, transformers and others. While it is written the disk needs ${bytesText(model.bytes + largest)}.`}
        onClick={() => attempt(fetchIntoFolder(model))}
      >
        <Icon name="download" /> Download into a folder…
      </button>
      <ProblemText problem={problem} />
    </>
  );
}

function HereButton({ model, stored, lack }: { model: HubModel; stored: StoredModelView | null; lack: Lack }) {
  const arrived = stored?.arrived ?? 0;
  if (stored?.whole) {
    return (
      <button type="button" className="button" onClick={() => chooseStored({ key: stored.key, id: stored.id })}>
        Use it: it is stored here
      </button>
    );
  }
  return (
    <button id="hub-fetch" type="button" className={lack ? 'button quiet' : 'button'} onClick={() => fetchModel(model)}>
      {!lack && <Icon name="download" />}
      {arrived > 0
        ? `Go on: ${bytesText(arrived)} of ${bytesText(model.bytes)} are here`
        : `Download ${bytesText(model.bytes)}${lack ? ' into this browser all the same' : ''}`}
    </button>
  );
}

/** The model, and what can be done with it. */
export function HubFound({ model }: { model: HubModel }): React.JSX.Element {
  const stored = useHub((hub) => storedView(hub, model));
  const lack = useLack(model, stored?.arrived ?? 0);
  const here = <HereButton model={model} stored={stored} lack={lack} />;
  const folder = <IntoFolder model={model} quiet={!lack} />;
  return (
    <div className="hubTask" data-state="found">
      <p>
        <strong className="label">{model.id}</strong>{' '}
        <span className="soft num">
          at {model.revision} ({model.commit.slice(0, 12)}), {plural(model.files.length, 'file')}
        </span>
      </p>
      <p>
        <span className="note">Licence </span>
        <span className="label">
          <Licence model={model} />
        </span>
        <span className="soft">{termsNote(model)}</span>
      </p>
      {lack && (
        <p data-room="short">
          This browser offers {bytesText(lack.free)}; {bytesText(lack.missing)} are to be fetched. A folder on a disk
          with more room does as well.
        </p>
      )}
      <span className="buttons">
        {lack ? folder : here}
        {lack ? here : folder}
      </span>
    </div>
  );
}

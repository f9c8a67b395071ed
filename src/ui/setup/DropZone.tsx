// Where files enter: drop, or one of two pickers (files, a folder). Hands over files with their paths, nothing else.

import { useState } from 'react';
import { filesFromDrop, filesFromList, nameOfFiles, type Given } from '../../data/walkDrop';
import { importFiles, orShow } from '../actions';
import { Icon } from '../parts/Icon';

/** The dashed field; `children` are further buttons at its right end. */
export function DropZone({ children }: { children: React.ReactNode }): React.JSX.Element {
  const [over, setOver] = useState(false);
  const drop = (event: React.DragEvent): void => {
    event.preventDefault();
    setOver(false);
    // The browser empties the drop when this handler returns, so the walk must begin now.
    orShow(filesFromDrop(event.dataTransfer).then((given) => given && take(given)));
  };
  return (
    <div
      id="drop-zone"
      className={over ? 'dropZone over' : 'dropZone'}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <Icon name="upload" size={16} />
      <span className="dropText">Drop JSONL, pictures, a folder or a zip here</span>
      <label className="button quiet">
        Choose files
        <input
          id="pick-files"
          className="visuallyHidden"
          type="file"
          multiple
          onChange={(event) => pick(event.currentTarget)}
        />
      </label>
      <label className="button quiet">
        Choose a folder
        <input
          id="pick-folder"
          className="visuallyHidden"
          type="file"
          multiple
          {...{ webkitdirectory: '' }}
          onChange={(event) => pick(event.currentTarget)}
        />
      </label>
      {children}
    </div>
  );
}

function pick(input: HTMLInputElement): void {
  const files = filesFromList(input.files ?? new DataTransfer().files);
  input.value = '';
  // A folder without files has no name here.
  take({ name: nameOfFiles(files) || 'the chosen folder', files, unread: [] });
}

function take({ files, name, unread }: Given): void {
  importFiles(files, name, unread);
}

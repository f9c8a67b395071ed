// Card 4: what this machine offers, as the browser reports it, and what it does not tell: the GPU's memory.

import type { HostTraffic } from '../../base/hubModel';
import { bytesText, plural } from '../format';
import { Icon } from '../parts/Icon';
import { adapterName, useDevice, type DeviceView, requestsText } from '../store/device';
import { useHub } from '../store/hub';
import { useStorage } from '../store/storage';
import { GpuMemoryField } from './GpuMemoryField';
import { PlanPanel } from './PlanPanel';
import { SetupCard, type CardState } from './SetupCard';

/** The Check card. */
export function CheckCard(): React.JSX.Element {
  const device = useDevice();
  const keeping = useStorage((view) => view.keeping);
  const traffic = useHub((hub) => hub.traffic);
  const { adapter, storage } = device;
  const requests = requestsText(device, traffic);
  const state: CardState = adapter ? { kind: 'ready' } : { kind: 'checking', share: null };
  return (
    <SetupCard number={4} title="Check" line={lineOf(device)} state={state}>
      <ul className="checks">
        {adapter && (
          <>
            <Check good title={adapter.description || adapter.vendor}>
              WebGPU, float32, {adapterName(adapter)}
            </Check>
            <Check good>
              Buffers up to {bytesText(adapter.maxBufferSize)}, {bytesText(adapter.maxStorageBufferBindingSize)} bound
            </Check>
          </>
        )}
        {storage && (
          <Check good={storage.quota - storage.usage > 50e6}>
            Storage: {bytesText(storage.usage)} used, the browser offers {bytesText(storage.quota)}
          </Check>
        )}
        {keeping && (
          <Check good={keeping === 'kept'}>
            {keeping === 'kept'
              ? 'Storage: kept until you clear it'
              : 'The browser may clear it when space runs short: bookmark or install this page, and download what must last'}
          </Check>
        )}
        {device.guard && (
          <Check good={requests.good} title={requests.title}>
            {device.foreignRequests > 0
              ? requests.text
              : requests.good
                ? requestsLine(traffic)
                : 'No security policy from this server: nothing is promised about what leaves'}
          </Check>
        )}
        {traffic.map(({ host, requests: asked, receivedBytes }) => (
          <Check key={host} good>
            {host}: {plural(asked, 'request')} for models, none with a body, {bytesText(receivedBytes)} received
          </Check>
        ))}
      </ul>
      {adapter && <GpuMemoryField />}
      {adapter && <PlanPanel />}
      {adapter?.software && (
        <p className="cardNote">
          This adapter computes on the processor. The demo works and takes some minutes; larger models need a GPU.
        </p>
      )}
    </SetupCard>
  );
}

function Check({
  good,
  title,
  children,
}: {
  good: boolean;
  title?: string;
  children: React.ReactNode;
}): React.JSX.Element {
  return (
    <li title={title}>
      <span className={good ? 'rise' : 'badText'}>
        <Icon name={good ? 'check' : 'warning'} />
      </span>
      <span>{children}</span>
    </li>
  );
}

/** What the policies allow, and what was used of it. */
function requestsLine(traffic: readonly HostTraffic[]): string {
  return traffic.length === 0
    ? 'No request to another origin; the server’s policy allows none but to the model hub, when you ask for a model'
    : 'No request to another origin but these, for models that you asked for; the page and its training may make none';
}

function lineOf({ adapter }: DeviceView): string {
  if (!adapter) return 'Asking the browser for a GPU.';
  return adapter.software ? 'WebGPU works, in software.' : 'WebGPU works.';
}

// Said where the page's server leaves out the security headers: what cannot be promised there, and what is off.

import { OWN_REWARDS_OFF } from '../../rewards/userRewardWorker';
import { Icon } from '../parts/Icon';
import { useDevice } from '../store/device';

/** Nothing where the headers are whole, or not known yet. */
export function GuardBanner(): React.JSX.Element | null {
  const guard = useDevice((device) => device.guard);
  if (!guard || (guard.keepsInside && guard.ownRewards)) return null;
  return (
    <div className="banner warn" role="region" aria-label="Headers of this server" data-code="server.unguarded">
      <span className="warmText">
        <Icon name="warning" size={16} />
      </span>
      <p>
        {!guard.keepsInside &&
          'This server sends no security policy with the page, so the browser does not hold it to its own origin: that nothing leaves this machine is not promised here. '}
        {!guard.ownRewards && `${OWN_REWARDS_OFF} `}
        The headers to send are in docs/hosting.md; npm start sends them.
      </p>
    </div>
  );
}

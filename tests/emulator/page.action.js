/** What the provider's page on anonymous sessions shows as its post-login Action, told again in our words: its checks, its keys. */
exports.onExecutePostLogin = async (event, api) => {
  const anonymous = event.anonymous_session?.metadata;
  if (!anonymous) return;
  if (anonymous.cart && Array.isArray(anonymous.cart.items)) {
    const known = (line) => typeof line.sku === 'string' && typeof line.qty === 'number';
    api.user.setAppMetadata('migrated_cart', { items: anonymous.cart.items.filter(known).slice(0, 100) });
  }
  if (anonymous.preferences?.theme && ['light', 'dark'].includes(anonymous.preferences.theme)) {
    api.user.setUserMetadata('preferences', { theme: anonymous.preferences.theme });
  }
};

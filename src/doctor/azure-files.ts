const host = /\.file\.(?:core\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)|storage\.azure\.net)$/i;

/** Whether a server is a storage account of Azure Files, by its name. */
export const isAzureFiles = (name: string): boolean => host.test(name);
